package sluice.vdev.vfg7350;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.Psnr;
import sluice.vdev.fixture.TransportStream;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.serve.ServedDevice;
import sluice.vdev.video.FrameFile;
import sluice.vdev.video.FrameSource;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** The card as it is served, with the codec: its driver's messages over I²C, and what arrives in its buffers, decoded. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class EncodedCardLoopbackTest {
    /** A driver of a served card, and its memory. */
    private static final class Capture implements AutoCloseable {
        private final ServedDevice device;
        private final VfioUserClient client;
        private final GuestRam ram = GuestRam.single(EncoderDriver.RAM, 0);
        private final EncoderDriver driver;
        private int next;

        Capture(String... options) throws Exception {
            device = new ServedDevice(new Vfg7350Provider(), options);
            client = device.client();
            assertThat(
                    client.map(0, EncoderDriver.RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file()))
                    .isZero();
            driver = new EncoderDriver(client, ram);
        }

        /** As the driver does: the port first, then the encoder. */
        void start(EncoderMessages.Wanted wanted) throws IOException {
            client.write32(0, 0x1d0, 1);
            driver.stream();
            driver.give();
            EncoderMessages.send(EncoderMessages.start(wanted), value -> client.write32(0, 0x180, value));
        }

        void stop() throws IOException {
            driver.stop();
            client.write32(0, 0x1d0, 0);
            // A buffer may be done that nobody waits for; the port begins with the first one again.
            driver.acknowledge();
            driver.interrupted();
            next = 0;
        }

        byte[] take(int buffers) throws IOException {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (int i = 0; i < buffers; i++) {
                driver.awaitBuffer();
                all.writeBytes(Arrays.copyOf(driver.pages(next++ % 2), EncoderDriver.BYTES));
                driver.give();
            }
            return all.toByteArray();
        }

        /** What the device reports at its end. */
        JsonObject end() throws IOException {
            client.close();
            return JsonParser.parseString(device.end()).getAsJsonObject();
        }

        @Override
        public void close() {
            driver.close();
            client.close();
            device.close();
            ram.close();
        }
    }

    /** PSNR of each picture of a stream, whose time says which it is; {@code period} is between two, in 90 kHz. */
    private static List<Double> decode(TransportStream stream, int pid, FrameSource source, int period,
            PictureFormat format)
            throws Exception {
        List<Double> psnr = new ArrayList<>();
        long first = stream.units(pid).getFirst().decoded() + period;
        PictureSink sink = new PictureSink() {
            @Override
            public void format(PictureFormat given) {
                assertThat(given).isEqualTo(format);
            }

            @Override
            public void picture(Picture picture, long time, boolean key) {
                byte[] luma = new byte[picture.format().width() * picture.format().height()];
                // The stream ends within a group, whose last pictures may be missing.
                long number = Math.round((double) (time - first) / period);
                source.fill(number, picture.format().width(), picture.format().height(), luma);
                psnr.add(Psnr.of(luma, picture));
            }
        };
        try (Decoder decoder = Engines.decoding(Coding.MPEG2).orElseThrow().decoder(Coding.MPEG2)) {
            for (TransportStream.Pes unit : stream.units(pid)) {
                try (Arena arena = Arena.ofConfined()) {
                    decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, unit.bytes()), unit.shown(), sink);
                }
            }
            decoder.drain(sink);
        }
        return psnr;
    }

    private static List<Integer> keys(List<TransportStream.Pes> units) {
        List<Integer> keys = new ArrayList<>();
        for (int i = 0; i < units.size(); i++) {
            byte[] bytes = units.get(i).bytes();
            if (bytes[3] == (byte) 0xb3) keys.add(i);
        }
        return keys;
    }

    @Test
    void theStreamHasThePicturesAndTheSettingsOfTheDriver() throws Exception {
        try (Capture capture = new Capture()) {
            capture.start(new EncoderMessages.Wanted(3, false, true, 4000, 0, 5024, true, 0x200, 0x201, 0x202, 0x20));
            TransportStream stream = TransportStream.of(capture.take(160));
            stream.checkClock(5_024_000);
            stream.checkBuffer(0x200, 5_024_000, 0.5);
            assertThat(stream.mapPid()).isEqualTo(0x20);
            assertThat(stream.clockPid()).isEqualTo(0x202);
            assertThat(stream.types()).containsOnlyKeys(0x200, 0x201);
            List<TransportStream.Pes> units = stream.units(0x200);
            assertThat(units).hasSizeGreaterThan(60);
            List<Integer> keys = keys(units);
            for (int i = 0; i < keys.size(); i++) assertThat(keys.get(i)).as("groups of 13").isEqualTo(13 * i);
            // Aspect ratio 3, 16:9, in the upper half of the byte, and 25 pictures per second in the lower.
            assertThat(units.getFirst().bytes()[7]).isEqualTo((byte) 0x33);
            long bits = units.stream().mapToLong(unit -> unit.bytes().length * 8L).sum() * 25 / units.size();
            List<Double> psnr = decode(stream, 0x200, new TestPattern(), 3600, format(352, 288));
            System.out.printf("%d pictures, %d bits per second, PSNR least %.1f dB%n", psnr.size(), bits,
                    psnr.stream().mapToDouble(d -> d).min().orElseThrow());
            assertThat(psnr).hasSizeGreaterThan(60).allMatch(decibels -> decibels > 30);
            assertThat(bits).isBetween(3_400_000L, 4_300_000L);
            JsonObject encoder = capture.end().getAsJsonObject("encoder");
            assertThat(encoder.get("unknown").getAsLong()).isZero();
            assertThat(encoder.get("failures").getAsLong()).isZero();
            assertThat(encoder.get("late").getAsLong()).isZero();
        }
    }

    private static PictureFormat format(int width, int height) {
        return new PictureFormat(PixelFormat.YU12, width, height);
    }

    @Test
    void aSecondStartHasOtherSettings() throws Exception {
        try (Capture capture = new Capture("pattern", "")) {
            capture.start(EncoderMessages.Wanted.usual());
            capture.take(20);
            capture.stop();
            capture.start(
                    new EncoderMessages.Wanted(0, true, false, 8000, 9000, 10_024, false, 0x100, 0x104, 0x100, 0x30));
            TransportStream stream = TransportStream.of(capture.take(100));
            stream.checkClock(10_024_000);
            assertThat(stream.mapPid()).isEqualTo(0x30);
            assertThat(stream.clockPid()).isEqualTo(0x100);
            assertThat(stream.units(0x100).getFirst().bytes()[7]).as("4:3, 30000/1001").isEqualTo((byte) 0x24);
            List<Double> psnr = decode(stream, 0x100, new TestPattern(), 3003, format(720, 480));
            assertThat(psnr).hasSizeGreaterThan(15);
            assertThat(psnr.stream().mapToDouble(d -> d).average().orElseThrow()).isGreaterThan(30);
        }
    }

    @Test
    void aFilmIsEncoded(@TempDir Path folder) throws Exception {
        Path path = folder.resolve("film.y4m");
        ByteArrayOutputStream film = new ByteArrayOutputStream();
        film.writeBytes("YUV4MPEG2 W352 H288 F25:1 C420\n".getBytes(StandardCharsets.US_ASCII));
        for (int frame = 0; frame < 12; frame++) {
            film.writeBytes("FRAME\n".getBytes(StandardCharsets.US_ASCII));
            byte[] luma = new byte[352 * 288];
            for (int i = 0; i < luma.length; i++) luma[i] = (byte) (i % 352 / 2 + 5 * frame);
            film.writeBytes(luma);
            film.writeBytes(new byte[352 * 288 / 2]);
        }
        Files.write(path, film.toByteArray());
        try (Capture capture = new Capture("file", path.toString()); FrameFile file = FrameFile.open(path)) {
            capture.start(EncoderMessages.Wanted.usual());
            List<Double> psnr = decode(TransportStream.of(capture.take(120)), 0x100, file, 3600,
                    format(352, 288));
            assertThat(psnr).as("the film twice").hasSizeGreaterThan(24).allMatch(decibels -> decibels > 35);
        }
    }
}
