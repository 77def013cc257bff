package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.fixture.Psnr;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Pictures are encoded and decoded again by the same library; the engine is found as the card finds it. */
class FfmpegEngineTest {
    private static final int FRAMES = 100;
    private static final long FIRST_TIME = 1L << 40;

    private record Unit(byte[] bytes, long time, boolean key) {}

    private record Shown(PictureFormat format, double psnr, long time, boolean key) {}

    private final CodecEngine engine;

    FfmpegEngineTest() throws CodecException {
        engine = Engines.encoding(Coding.MPEG2).orElseThrow();
    }

    private static EncoderSettings settings(Coding coding, int width, int height, int rate, int group, int between) {
        return new EncoderSettings(coding, new PictureFormat(PixelFormat.YU12, width, height), new Ratio(25, 1),
                new Ratio(16, 9), rate, rate, Math.min(1_835_008, rate / 2), group, between, 2);
    }

    private static byte[] luma(long number, PictureFormat format) {
        byte[] luma = new byte[format.width() * format.height()];
        new TestPattern().fill(number, format.width(), format.height(), luma);
        return luma;
    }

    /** Encodes frames of the pattern from {@code first} on; {@code forced} is a key picture. */
    private List<Unit> encode(EncoderSettings settings, int first, int count, int forced) throws CodecException {
        List<Unit> units = new ArrayList<>();
        PacketSink sink = (bytes, time, key) -> units.add(new Unit(bytes.toArray(ValueLayout.JAVA_BYTE), time, key));
        try (Arena arena = Arena.ofConfined(); Encoder encoder = engine.encoder(settings)) {
            Picture picture = Picture.allocate(settings.format(), arena);
            for (int i = first; i < first + count; i++) {
                byte[] luma = luma(i, settings.format());
                MemorySegment.copy(luma, 0, picture.planes().getFirst().bytes(), ValueLayout.JAVA_BYTE, 0, luma.length);
                encoder.encode(picture, FIRST_TIME + 7L * i, i == forced, sink);
            }
            encoder.drain(sink);
        }
        return units;
    }

    private static void decode(Decoder decoder, Unit unit, PictureSink sink) throws CodecException {
        try (Arena arena = Arena.ofConfined()) {
            decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, unit.bytes), unit.time, sink);
        }
    }

    /** Collects pictures, and compares each with the pattern of its time. */
    private static final class Collector implements PictureSink {
        private final List<Shown> shown = new ArrayList<>();
        private final List<PictureFormat> formats = new ArrayList<>();

        @Override
        public void format(PictureFormat format) {
            formats.add(format);
        }

        @Override
        public void picture(Picture picture, long time, boolean key) {
            assertThat(picture.format()).isEqualTo(formats.getLast());
            shown.add(
                    new Shown(picture.format(), Psnr.of(luma((time - FIRST_TIME) / 7, picture.format()), picture), time,
                            key));
        }
    }

    @ParameterizedTest
    @CsvSource({ "MPEG2, 352, 288, 3000000, 13, 2", "MPEG2, 720, 576, 12000000, 12, 2",
            "MPEG2, 720, 480, 8000000, 15, 0",
            "MPEG2, 352, 240, 1500000, 1, 0", "H264, 352, 288, 2000000, 25, 0" })
    void patternsComeBack(Coding coding, int width, int height, int rate, int group, int between) throws Exception {
        EncoderSettings settings = settings(coding, width, height, rate, group, between);
        List<Unit> units = encode(settings, 0, FRAMES, -1);
        assertThat(units).hasSize(FRAMES);
        Collector collector = new Collector();
        try (Decoder decoder = engine.decoder(coding)) {
            for (Unit unit : units) decode(decoder, unit, collector);
            decoder.drain(collector);
        }
        assertThat(collector.formats).containsExactly(settings.format());
        assertThat(collector.shown).hasSize(FRAMES);
        for (int i = 0; i < FRAMES; i++) assertThat(collector.shown.get(i).time).isEqualTo(FIRST_TIME + 7L * i);
        double mean = collector.shown.stream().mapToDouble(Shown::psnr).average().orElseThrow();
        long bytes = units.stream().mapToLong(unit -> unit.bytes.length).sum();
        long measured = bytes * 8 * 25 / FRAMES;
        System.out.printf("%s: %d bits per second, PSNR mean %.1f dB, least %.1f dB%n", settings.format(), measured,
                mean,
                collector.shown.stream().mapToDouble(Shown::psnr).min().orElseThrow());
        assertThat(mean).as("mean PSNR").isGreaterThan(30);
        assertThat(measured).as("bits per second").isBetween(rate * 85L / 100, rate * 108L / 100);
        int since = 0;
        for (int i = 0; i < FRAMES; i++) {
            since = units.get(i).key ? 0 : since + 1;
            assertThat(since).as("pictures since a key picture, at %d", i).isLessThan(group);
            // OpenH264 makes one of each new scene as well.
            if (coding == Coding.MPEG2) assertThat(units.get(i).key).as("unit %d", i).isEqualTo(i % group == 0);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "MPEG2", "H264" })
    void aKeyPictureCanBeForced(Coding coding) throws Exception {
        List<Unit> units = encode(settings(coding, 352, 288, 2_000_000, 50, 0), 0, 20, 11);
        List<Long> keys = units.stream().filter(Unit::key).map(Unit::time).toList();
        assertThat(keys).containsExactly(FIRST_TIME, FIRST_TIME + 7 * 11);
        Collector collector = new Collector();
        try (Decoder decoder = engine.decoder(coding)) {
            for (Unit unit : units.subList(11, 20)) decode(decoder, unit, collector);
            decoder.drain(collector);
        }
        assertThat(collector.shown).hasSize(9).allMatch(shown -> shown.psnr > 25);
        assertThat(collector.shown.getFirst().key).isTrue();
    }

    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "MPEG2", "H264" })
    void theFormatMayChangeWithinAStream(Coding coding) throws Exception {
        EncoderSettings small = settings(coding, 352, 288, 2_000_000, 12, 0);
        EncoderSettings large = settings(coding, 720, 576, 8_000_000, 12, 0);
        List<Unit> units = new ArrayList<>(encode(small, 0, 10, -1));
        units.addAll(encode(large, 10, 10, -1));
        units.addAll(encode(small, 20, 10, -1));
        Collector collector = new Collector();
        try (Decoder decoder = engine.decoder(coding)) {
            for (Unit unit : units) decode(decoder, unit, collector);
            decoder.drain(collector);
        }
        assertThat(collector.formats).containsExactly(small.format(), large.format(), small.format());
        assertThat(collector.shown).hasSize(30);
        for (int i = 0; i < 30; i++) assertThat(collector.shown.get(i).time).isEqualTo(FIRST_TIME + 7L * i);
    }

    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "MPEG2", "H264" })
    void aBrokenStreamIsSaidAndTheNextKeyPictureIsDecoded(Coding coding) throws Exception {
        System.out.println("seed 14");
        Random random = new Random(14);
        List<Unit> good = encode(settings(coding, 352, 288, 2_000_000, 5, 0), 0, 10, -1);
        int failures = 0;
        try (Decoder decoder = engine.decoder(coding)) {
            Collector ignored = new Collector();
            for (int i = 0; i < 300; i++) {
                byte[] bytes = good.get(random.nextInt(good.size())).bytes.clone();
                for (int n = random.nextInt(40); n >= 0; n--)
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                if (i % 5 == 0) random.nextBytes(bytes);
                try {
                    decode(decoder, new Unit(bytes, FIRST_TIME, false), ignored);
                } catch (CodecException e) {
                    failures++;
                    assertThat(e).hasMessageMatching("libavcodec cannot decode [^\n\0]+");
                }
            }
            decoder.flush();
            Collector collector = new Collector();
            for (Unit unit : good) decode(decoder, unit, collector);
            decoder.drain(collector);
            assertThat(failures).as("units that cannot be decoded").isPositive();
            assertThat(collector.shown).hasSize(10).allMatch(shown -> shown.psnr > 25);
        }
    }

    @Test
    void emptyUnitsAreRefused() throws Exception {
        try (Decoder decoder = engine.decoder(Coding.H264)) {
            assertThatExceptionOfType(CodecException.class)
                    .isThrownBy(() -> decode(decoder, new Unit(new byte[0], 0, false), new Collector()))
                    .withMessage("a unit without bytes");
        }
    }

    @Test
    void whatTheLibraryCannotDoIsRefusedInASentence() {
        assertThatExceptionOfType(CodecException.class)
                .isThrownBy(() -> engine.encoder(settings(Coding.H264, 352, 288, 1_000_000, 12, 2)))
                .withMessage("libopenh264 makes no B-pictures, and 2 in a row are asked for");
        assertThatExceptionOfType(CodecException.class)
                .isThrownBy(() -> engine.encoder(new EncoderSettings(Coding.MPEG2,
                        new PictureFormat(PixelFormat.NV12, 352, 288), new Ratio(25, 1), new Ratio(4, 3), 1_000_000,
                        1_000_000, 500_000, 12, 2, 2)))
                .withMessage("libavcodec encodes pictures of YU12 here, not of NV12");
        assertThatExceptionOfType(CodecException.class)
                .isThrownBy(() -> engine.encoder(new EncoderSettings(Coding.MPEG2,
                        new PictureFormat(PixelFormat.YU12, 352, 288), new Ratio(7, 1), new Ratio(4, 3), 1_000_000,
                        1_000_000, 500_000, 12, 2, 2)))
                .as("7 pictures per second").withMessageStartingWith("libavcodec cannot encode MPEG-2 of YU12 352x288");
    }

    @Test
    void aClosedEncoderMayBeClosedAgain() throws Exception {
        Encoder encoder = engine.encoder(settings(Coding.MPEG2, 352, 288, 1_000_000, 12, 2));
        encoder.close();
        encoder.close();
        Decoder decoder = engine.decoder(Coding.MPEG2);
        decoder.close();
        decoder.close();
    }

    @Test
    void itSaysItsVersion() throws Exception {
        assertThat(engine).isInstanceOf(FfmpegEngine.class);
        assertThat(engine.name()).matches("libavcodec [0-9]+\\.[0-9]+\\.[0-9]+");
    }
}
