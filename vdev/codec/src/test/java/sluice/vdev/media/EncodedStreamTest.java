package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** What a client encodes through the device is what the library encodes alone with the same parameters, byte by byte. */
class EncodedStreamTest {
    private static final int WIDTH = 352;
    private static final int HEIGHT = 288;
    private static final int FRAMES = 14;
    private static final int GROUP = 6;
    private static final int RATE = 25;
    private static final int BITRATE = 700_000;
    private static final int BUFFERS = 3;
    private static final int UNIT_BYTES = 1 << 18;
    private static final PictureFormat FORMAT = new PictureFormat(PixelFormat.YU12, WIDTH, HEIGHT);

    /** A coded picture. */
    private record Unit(long time, boolean key, byte[] bytes) {}

    private static byte[] picture(int number, boolean interleaved) {
        byte[] bytes = new byte[(int) FORMAT.bytes()];
        byte[] luma = new byte[WIDTH * HEIGHT];
        new TestPattern().fill(number, WIDTH, HEIGHT, luma);
        System.arraycopy(luma, 0, bytes, 0, luma.length);
        int chroma = luma.length / 4;
        for (int i = 0; i < chroma; i++) {
            bytes[luma.length + (interleaved ? 2 * i : i)] = (byte) (3 * number + i % 50);
            bytes[luma.length + (interleaved ? 2 * i + 1 : chroma + i)] = (byte) (200 - number - i % 30);
        }
        return bytes;
    }

    private static List<Unit> alone(CodecEngine engine, Coding coding, int forced) throws CodecException {
        int between = coding == Coding.MPEG2 ? 2 : 0;
        int least = switch (coding) {
            case MPEG2 -> 2;
            case AV1, MJPEG -> 1;
            default -> 10;
        };
        int most = switch (coding) {
            case MPEG2 -> 31;
            case H264 -> 40;
            case VP8, VP9 -> 63;
            default -> 0;
        };
        List<Unit> units = new ArrayList<>();
        EncoderSettings settings = new EncoderSettings(coding, FORMAT, new Ratio(RATE, 1), new Ratio(WIDTH, HEIGHT),
                BITRATE,
                BITRATE, BITRATE / 2, GROUP, between, least, most);
        try (Arena arena = Arena.ofConfined(); Encoder encoder = engine.encoder(settings)) {
            for (int i = 0; i < FRAMES; i++) {
                MemorySegment memory = arena.allocate(FORMAT.bytes(), 64);
                MemorySegment.copy(picture(i, false), 0, memory, ValueLayout.JAVA_BYTE, 0, (int) FORMAT.bytes());
                encoder.encode(Picture.in(memory, FORMAT), i + 1, i == forced,
                        (bytes, time, key) -> units.add(new Unit(time, key, bytes.toArray(ValueLayout.JAVA_BYTE))));
            }
            encoder.drain((bytes, time, key) -> units.add(new Unit(time, key, bytes.toArray(ValueLayout.JAVA_BYTE))));
        }
        return units;
    }

    /** A client with a session. */
    private static final class Client {
        private final OneThreadMedia device;
        private final int id;
        private final boolean interleaved;
        private final List<Integer> free = new ArrayList<>();
        private final List<Unit> units = new ArrayList<>();
        private int errors;

        Client(OneThreadMedia device, Coding coding, boolean interleaved, int unitBytes) {
            this.device = device;
            this.interleaved = interleaved;
            id = device.open();
            String four = coding == Coding.AV1
                    ? "AV01"
                    : coding == Coding.MPEG2
                            ? "MPG2"
                            : coding == Coding.VP8
                                    ? "VP80"
                                    : coding == Coding.VP9 ? "VP90" : coding == Coding.MJPEG ? "MJPG" : "H264";
            ByteBuffer raw = MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.OUTPUT).putInt(8, WIDTH)
                    .putInt(12, HEIGHT).putInt(16, V4l2.fourcc(interleaved ? "NV12" : "YU12"));
            check(Ioctl.S_FMT, raw);
            assertThat(raw.getInt(28)).as("no padding").isEqualTo((int) FORMAT.bytes());
            check(Ioctl.S_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.CAPTURE)
                    .putInt(16, V4l2.fourcc(four)).putInt(28, unitBytes));
            ByteBuffer rate = MediaDriver.little(Struct.Parameters.BYTES).putInt(0, MediaDriver.OUTPUT).putInt(12, 1)
                    .putInt(16, RATE);
            check(Ioctl.S_PARM, rate);
            assertThat(rate.getInt(16)).isEqualTo(RATE);
            set(EncoderControls.BITRATE, BITRATE);
            set(EncoderControls.GOP_SIZE, GROUP);
            if (coding == Coding.MPEG2) set(EncoderControls.B_FRAMES, 2);
            set(EncoderControls.H264_MIN_QP, 10);
            set(EncoderControls.H264_MAX_QP, 40);
            set(EncoderControls.VPX_MIN_QP, 10);
            request(MediaDriver.OUTPUT);
            request(MediaDriver.CAPTURE);
            on(MediaDriver.OUTPUT, true);
            on(MediaDriver.CAPTURE, true);
            for (int i = 0; i < BUFFERS; i++) {
                free.add(i);
                queue(MediaDriver.CAPTURE, i, 0, 0);
            }
        }

        private void check(Ioctl ioctl, ByteBuffer payload) {
            assertThat(device.ioctl(id, ioctl, payload)).as("%s", ioctl).isZero();
        }

        private void set(int control, int value) {
            check(Ioctl.S_CTRL, MediaDriver.little(8).putInt(0, control).putInt(4, value));
        }

        private void request(int type) {
            check(Ioctl.REQBUFS, MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, BUFFERS).putInt(4, type)
                    .putInt(8, V4l2.MEMORY_MMAP));
        }

        private void on(int type, boolean on) {
            check(on ? Ioctl.STREAMON : Ioctl.STREAMOFF, MediaDriver.little(4).putInt(0, type));
        }

        private void queue(int type, int index, int used, long seconds) {
            check(Ioctl.QBUF,
                    MediaDriver.buffer(type, index, V4l2.MEMORY_MMAP, 1).putInt(88, used).putLong(24, seconds));
        }

        private int offset(int type, int index) {
            ByteBuffer buffer = MediaDriver.buffer(type, index, V4l2.MEMORY_MMAP, 1);
            check(Ioctl.QUERYBUF, buffer);
            return buffer.getInt(96);
        }

        /** Encodes all pictures and drains. */
        void encode(int frames, int forced) {
            int next = 0;
            for (boolean last = false; !last;) {
                while (!free.isEmpty() && next < frames) {
                    int index = free.removeFirst();
                    // A key picture is forced for what is encoded next.
                    if (next == forced && free.size() < BUFFERS - 1) {
                        free.addFirst(index);
                        break;
                    }
                    if (next == forced) set(EncoderControls.FORCE_KEY_FRAME, 1);
                    device.write(offset(MediaDriver.OUTPUT, index), ByteBuffer.wrap(picture(next, interleaved)));
                    queue(MediaDriver.OUTPUT, index, (int) FORMAT.bytes(), ++next);
                    if (next == forced + 1) while (device.work()) {
                    }
                    if (next == frames)
                        check(Ioctl.ENCODER_CMD,
                                MediaDriver.little(Struct.ENCODER_COMMAND_BYTES).putInt(0, V4l2.CMD_STOP));
                }
                boolean worked = device.work();
                Optional<MediaDriver.Event> event = device.event();
                assertThat(worked || event.isPresent()).as("it goes on, after %d units", units.size()).isTrue();
                if (event.isPresent()) last = take(event.get());
            }
        }

        private boolean take(MediaDriver.Event event) {
            if (event.type() == MediaDriver.OUTPUT) {
                assertThat(event.flags() & V4l2.BUF_ERROR).isZero();
                free.add(event.index());
                return false;
            }
            if ((event.flags() & V4l2.BUF_ERROR) != 0) errors++;
            if (event.used() > 0) {
                byte[] bytes = new byte[event.used()];
                MemorySegment.copy(device.region(), ValueLayout.JAVA_BYTE, event.body().getInt(96), bytes, 0,
                        bytes.length);
                boolean key = (event.flags() & V4l2.BUF_KEYFRAME) != 0;
                assertThat((event.flags() & V4l2.BUF_PFRAME) != 0).isEqualTo(!key);
                units.add(new Unit(event.seconds(), key, bytes));
            }
            if ((event.flags() & V4l2.BUF_LAST) != 0) return true;
            queue(MediaDriver.CAPTURE, event.index(), 0, 0);
            return false;
        }
    }

    private static List<EncodedFormat> all(CodecEngine engine) {
        List<EncodedFormat> formats = new ArrayList<>();
        for (Coding coding : engine.encodes()) formats.add(EncodedFormat.of(coding, engine));
        return formats;
    }

    private static void same(List<Unit> seen, List<Unit> expected) {
        assertThat(seen).hasSize(expected.size());
        for (int i = 0; i < seen.size(); i++) {
            assertThat(seen.get(i).time()).as("time of unit %d", i).isEqualTo(expected.get(i).time());
            assertThat(seen.get(i).key()).as("key of unit %d", i).isEqualTo(expected.get(i).key());
            assertThat(seen.get(i).bytes()).as("unit %d", i).isEqualTo(expected.get(i).bytes());
        }
    }

    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "HEVC", "AV1" }, mode = EnumSource.Mode.EXCLUDE)
    void streamsAreThoseOfTheLibraryAlone(Coding coding) throws CodecException, IOException {
        CodecEngine engine = Engines.encoding(coding).orElseThrow();
        List<Unit> expected = alone(engine, coding, -1);
        assertThat(expected).hasSize(FRAMES);
        try (OneThreadMedia device = OneThreadMedia.encoder(all(engine))) {
            Client client = new Client(device, coding, false, UNIT_BYTES);
            client.encode(FRAMES, -1);
            same(client.units, expected);
            assertThat(device.statistic("copiedBytes.pictures")).as("pictures are read in place").isZero();
            // After a drain another stream begins, here with chroma in one plane.
            device.closeSession(client.id);
            Client other = new Client(device, coding, true, UNIT_BYTES);
            other.encode(FRAMES, -1);
            same(other.units, expected);
            assertThat(device.statistic("convertedBytes.pictures")).isEqualTo(FRAMES * (long) WIDTH * HEIGHT / 2);
        }
    }

    @Test
    void aKeyPictureIsForced() throws CodecException, IOException {
        CodecEngine engine = Engines.encoding(Coding.VP8).orElseThrow();
        List<Unit> expected = alone(engine, Coding.VP8, 3);
        assertThat(expected.get(3).key()).isTrue();
        try (OneThreadMedia device = OneThreadMedia.encoder(all(engine))) {
            Client client = new Client(device, Coding.VP8, false, UNIT_BYTES);
            client.encode(FRAMES, 3);
            same(client.units, expected);
        }
    }

    @Test
    void aBufferThatIsTooSmallIsAnError() throws CodecException, IOException {
        CodecEngine engine = Engines.encoding(Coding.MJPEG).orElseThrow();
        try (OneThreadMedia device = OneThreadMedia.encoder(all(engine))) {
            Client client = new Client(device, Coding.MJPEG, false, CodedFormat.LEAST_BYTES);
            client.encode(4, -1);
            assertThat(client.errors).isPositive();
            assertThat(client.errors + client.units.size()).isEqualTo(4);
        }
    }
}
