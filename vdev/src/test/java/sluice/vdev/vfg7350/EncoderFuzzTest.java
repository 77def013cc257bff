package sluice.vdev.vfg7350;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;

import sluice.vdev.device.Counter;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Drivers of a fuzzer's making: whatever is sent over the I²C bus, the settings are in range, an encoder can be made of them, and a
 * stream with them has packets.
 *
 * <p>An input is a row of commands of two bytes: the attribute in bits 7 and 6 and in bit 0 whether data is sent, then the data.
 */
class EncoderFuzzTest {
    private static final int STREAMED = 200;

    private static byte[] transfers(List<byte[]> messages) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        EncoderMessages.send(messages, value -> {
            all.write((value & 0xc0) | 1);
            all.write(value >> 8);
        });
        return all.toByteArray();
    }

    private static Map<String, byte[]> seeds() throws IOException {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("driver", transfers(EncoderMessages.start(EncoderMessages.Wanted.usual())));
        seeds.put("wide-525", transfers(EncoderMessages
                .start(new EncoderMessages.Wanted(0, true, true, 27_000, 0, 27_000, true, 0xfff, 0xffe, 0xfff, 0x10))));
        seeds.put("absurd",
                transfers(List.of(EncoderMessages.bytes(0x41, 0xff), EncoderMessages.bytes(0x80, 0xff, 0xff),
                        EncoderMessages.bytes(0x81, 0, 0), EncoderMessages.bytes(0xb1, 0, 0),
                        EncoderMessages.bytes(0x72, 0xff, 0),
                        EncoderMessages.bytes(0x82, 0), EncoderMessages.bytes(0xc0, 0xff, 0xff),
                        EncoderMessages.bytes(0xc1, 0xff, 0xff), EncoderMessages.bytes(0xb0, 1),
                        EncoderMessages.bytes(0x02))));
        byte[] table = new byte[400];
        table[0] = (byte) 0xc2;
        table[2] = 0x47;
        seeds.put("long-table", transfers(List.of(table, EncoderMessages.bytes(0x02))));
        seeds.put("read", EncoderMessages.bytes(0xc1, 0x42, 0x81, 0xe1, 0xc1, 0x43, 0x80, 0, 0x80, 0, 0x41, 0));
        return seeds;
    }

    @Test
    void theSeedsAreWhatADriverSends() throws IOException {
        SeedCorpus.check(EncoderFuzzTest.class, "commands", seeds());
    }

    @FuzzTest
    void commands(byte[] input) {
        EncoderChip chip = new EncoderChip();
        I2cMaster master = new I2cMaster(chip);
        TransportMux mux = new TransportMux(chip.settings(), new Counter());
        byte[] packet = new byte[PacketSource.PACKET_BYTES];
        for (int i = 0; i + 1 < input.length; i += 2) {
            boolean withData = (input[i] & 1) != 0;
            master.command((input[i] & 0xc0) | (input[i + 1] & 0xff) << 8, withData);
            assertThat(master.status()).isBetween(0, 10);
            assertThat(master.data()).isBetween(0, 0xff);
            if (!chip.takeChange()) continue;
            StreamSettings settings = chip.settings();
            assertThat(settings.encoder().format().width()).isIn(720, 480, 352);
            assertThat(settings.peakBits()).isLessThan(settings.totalBits());
            mux.set(settings);
        }
        StreamSettings settings = chip.settings();
        for (TransportMux stream : List.of(mux, new TransportMux(settings, new Counter()))) {
            stream.add(input, 0, input.length, 0);
            stream.end();
            for (int i = 0; i < STREAMED; i++) {
                assertThat(stream.packet(packet, 0)).isTrue();
                assertThat(packet[0]).isEqualTo((byte) 0x47);
            }
        }
    }
}
