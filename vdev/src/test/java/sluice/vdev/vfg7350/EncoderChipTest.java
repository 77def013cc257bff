package sluice.vdev.vfg7350;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.codec.Ratio;

import static org.assertj.core.api.Assertions.assertThat;

/** What the encoder understands of the messages of its driver, and of others. */
class EncoderChipTest {
    private static EncoderChip started(EncoderMessages.Wanted wanted, int[]... more) {
        List<byte[]> messages = new ArrayList<>(EncoderMessages.start(wanted));
        for (int[] message : more) messages.add(EncoderMessages.bytes(message));
        return EncoderMessages.chip(messages);
    }

    private static StreamSettings settings(int[]... more) {
        return started(EncoderMessages.Wanted.usual(), more).settings();
    }

    @Test
    void theDriversMessagesAreItsControls() {
        EncoderChip chip = started(new EncoderMessages.Wanted(0, true, false, 5000, 9000, 10_024, true, 0x200, 0x201,
                0x202, 0x20));
        assertThat(chip.isRunning()).isTrue();
        StreamSettings settings = chip.settings();
        assertThat(settings).usingRecursiveComparison().ignoringFields("pat", "pmt")
                .isEqualTo(new StreamSettings(720, 480, new Ratio(30_000, 1001), true, 5_000_000, 9_000_000, 10_024_000,
                        13, 2, 4, true, 256_000, 0x200, 0x201, 0x202, null, null));
        assertThat(settings.encoder().displayAspect()).isEqualTo(new Ratio(16, 9));
        assertThat(settings.pat()).isNotNull();
        assertThat(settings.pmt()).isNotNull();
        assertThat(chip.unknown().getAsLong()).isZero();
    }

    @Test
    void aConstantRateIsThePeak() {
        StreamSettings settings = started(new EncoderMessages.Wanted(0, false, true, 6000, 0, 7024, false, 0x100, 0x104,
                0x103, 0x10)).settings();
        assertThat(settings.videoBits()).isEqualTo(6_000_000);
        assertThat(settings.peakBits()).isEqualTo(6_000_000);
        assertThat(settings.frameRate()).isEqualTo(new Ratio(25, 1));
        assertThat(settings.encoder().displayAspect()).isEqualTo(new Ratio(4, 3));
    }

    @ParameterizedTest
    @CsvSource({ "0, 0, 720, 576", "1, 0, 480, 576", "2, 0, 352, 576", "3, 0, 352, 288", "0, 1, 720, 480",
            "1, 1, 480, 480", "2, 1, 352, 480", "3, 1, 352, 240", "4, 0, 720, 576", "255, 0, 720, 576" })
    void formatsAreSizes(int format, int lines, int width, int height) {
        StreamSettings settings = settings(new int[]{ 0x41, format }, new int[]{ 0x40, lines });
        assertThat(settings.width()).isEqualTo(width);
        assertThat(settings.height()).isEqualTo(height);
    }

    @Test
    void aFormatResetsAllOtherSettings() {
        StreamSettings settings = settings(new int[]{ 0x72, 1, 5 }, new int[]{ 0x41, 3 });
        assertThat(settings.pictureGroup()).isEqualTo(13);
        assertThat(settings.pat()).isNull();
    }

    @ParameterizedTest
    @CsvSource({ "0x0000, 1, 0", "0x0101, 1, 0", "0x0301, 1, 0", "0x0302, 2, 1", "0x0ff0, 240, 7", "0x010f, 15, 0",
            "0x020c, 12, 1", "0xffff, 255, 7" })
    void groupsOfPicturesAreInRange(String value, int group, int between) {
        int both = Integer.decode(value);
        StreamSettings settings = settings(new int[]{ 0x72, both >> 8, both });
        assertThat(settings.pictureGroup()).isEqualTo(group);
        assertThat(settings.betweenReferences()).isEqualTo(between);
    }

    @ParameterizedTest
    @CsvSource({ "0, 0, 1500", "65535, 65535, 27000", "0, 65535, 27000", "65535, 0, 1500", "27000, 1500, 1500" })
    void absurdRatesAreReplaced(int video, int total, int stream) {
        StreamSettings settings = settings(new int[]{ 0x80, video >> 8, video }, new int[]{ 0x81, video >> 8, video },
                new int[]{ 0xb1, total >> 8, total });
        assertThat(settings.totalBits()).isEqualTo(stream * 1000);
        assertThat(settings.videoBits()).isBetween(500_000, (stream - 430) * 978);
        assertThat(settings.peakBits()).isBetween(settings.videoBits(), (stream - 430) * 978);
        assertThat(settings.encoder().bitsPerSecond()).isEqualTo(settings.videoBits());
    }

    @Test
    void pidsHaveThirteenBits() {
        StreamSettings settings = settings(new int[]{ 0xc0, 0x3f, 0xfe }, new int[]{ 0xc1, 0x20, 1 },
                new int[]{ 0xc4, 0xff, 0xff });
        assertThat(settings.videoPid()).isEqualTo(0x1ffe);
        assertThat(settings.audioPid()).isEqualTo(1);
        assertThat(settings.clockPid()).isEqualTo(0x1fff);
    }

    @Test
    void soundWithThePidOfThePicturesIsLeftOut() {
        assertThat(settings().sound()).isTrue();
        assertThat(settings(new int[]{ 0xc1, 1, 0 }).sound()).isFalse();
        assertThat(settings(new int[]{ 0x93, 1 }).sound()).as("AC-3").isFalse();
        assertThat(settings(new int[]{ 0x94, 1 }).soundBits()).isEqualTo(384_000);
    }

    @Test
    void whatIsNotUnderstoodIsCounted() {
        EncoderChip chip = started(EncoderMessages.Wanted.usual(), new int[]{ 0x99, 1 }, new int[]{ 0x40, 1, 2 },
                new int[]{ 0xc2, 2, 0x47, 0, 0, 0, 0 }, new int[]{ 0xc2, 0, 0x48, 0, 0, 0, 0 }, new int[]{ 0xc2, 0 },
                new int[]{ 0x55 }, new int[]{ 0xe0, 1, 2, 3, 4, 5, 6, 7, 8 }, new int[]{ 0xe1, 1 });
        assertThat(chip.unknown().getAsLong()).isEqualTo(8);
        StreamSettings.Table pat = chip.settings().pat();
        assertThat(pat).isNotNull();
        byte[] long1 = new byte[EncoderChip.LONGEST_MESSAGE + 1];
        long1[0] = (byte) 0xc2;
        long1[2] = 0x47;
        chip.message(long1, long1.length);
        assertThat(chip.unknown().getAsLong()).isEqualTo(9);
        assertThat(chip.settings().pat()).isSameAs(pat);
        chip.message(long1, 0);
        assertThat(chip.unknown().getAsLong()).isEqualTo(9);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0x00, 0x03, 0x04, 0x06 })
    void commandsStopIt(int command) {
        EncoderChip chip = started(EncoderMessages.Wanted.usual());
        assertThat(chip.takeChange()).isTrue();
        assertThat(chip.takeChange()).isFalse();
        chip.message(new byte[]{ 0x05 }, 1);
        assertThat(chip.takeChange()).as("nothing new").isFalse();
        chip.message(new byte[]{ (byte) command }, 1);
        assertThat(chip.isRunning()).isFalse();
        assertThat(chip.takeChange()).isTrue();
    }

    @Test
    void theSequenceWordIsReadBack() {
        EncoderChip chip = started(EncoderMessages.Wanted.usual(),
                new int[]{ 0xe0, 0xa7, 0xfe, 0x82, 0xb0, 1, 0x42, 3, 4 }, new int[]{ 0xe1, 0xa7, 0xfe, 0x82, 0xb0 });
        assertThat(new int[]{ chip.read(), chip.read(), chip.read(), chip.read(), chip.read() }).containsExactly(1,
                0x42, 3,
                4, 0);
        assertThat(chip.settings().wide()).isTrue();
        chip.message(EncoderMessages.bytes(0xe1, 0, 0, 0, 0), 5);
        assertThat(chip.read()).isZero();
        chip.message(EncoderMessages.bytes(0x10), 1);
        assertThat(chip.read()).as("not busy").isZero();
    }

    @Test
    void aResetForgetsEverything() {
        EncoderChip chip = started(new EncoderMessages.Wanted(3, true, true, 9000, 0, 12_000, true, 0x200, 0x201, 0x202,
                0x20));
        chip.reset();
        assertThat(chip.isRunning()).isFalse();
        assertThat(chip.settings()).isEqualTo(new EncoderChip().settings());
    }
}
