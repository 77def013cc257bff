package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** Streams whose pictures change their size: the client sets its buffers up anew, and all pictures are there, in place. */
class ChangingStreamTest {
    private static final int PIECE = 7;
    private static final int OUTPUTS = 3;
    private static final int CAPTURES = 12;
    private static final int[][] SIZES = { { 352, 288 }, { 176, 144 }, { 322, 178 }, { 352, 288 } };

    /** A picture: its size and the checksum of its samples. */
    private record Shown(int width, int height, long sum) {}

    private static List<byte[]> encoded(CodecEngine engine, Coding coding) throws CodecException {
        List<byte[]> units = new ArrayList<>();
        for (int[] size : SIZES) {
            PictureFormat format = new PictureFormat(PixelFormat.YU12, size[0], size[1]);
            EncoderSettings settings = new EncoderSettings(coding, format, new Ratio(25, 1), new Ratio(4, 3), 800_000,
                    800_000, 400_000, 12, coding == Coding.MPEG2 ? 2 : 0, 2);
            try (Arena arena = Arena.ofConfined(); Encoder encoder = engine.encoder(settings)) {
                Picture picture = Picture.allocate(format, arena);
                byte[] luma = new byte[size[0] * size[1]];
                for (int i = 0; i < PIECE; i++) {
                    new TestPattern().fill(i, size[0], size[1], luma);
                    MemorySegment.copy(luma, 0, picture.planes().getFirst().bytes(), ValueLayout.JAVA_BYTE, 0,
                            luma.length);
                    encoder.encode(picture, i, false,
                            (bytes, _, _) -> units.add(bytes.toArray(ValueLayout.JAVA_BYTE)));
                }
                encoder.drain((bytes, _, _) -> units.add(bytes.toArray(ValueLayout.JAVA_BYTE)));
            }
        }
        return units;
    }

    private static void add(CRC32 sum, MemorySegment bytes, long at, int stride, int width, int height) {
        for (int y = 0; y < height; y++)
            sum.update(bytes.asSlice(at + (long) y * stride, width).toArray(ValueLayout.JAVA_BYTE));
    }

    private static List<Shown> alone(CodecEngine engine, Coding coding, List<byte[]> units) throws CodecException {
        List<Shown> shown = new ArrayList<>();
        PictureSink sink = new PictureSink() {
            @Override
            public void format(PictureFormat format) {
                assertThat(format.pixels()).isEqualTo(PixelFormat.YU12);
            }

            @Override
            public void picture(Picture picture, long time, boolean key) {
                CRC32 sum = new CRC32();
                PictureFormat format = picture.format();
                for (int i = 0; i < 3; i++)
                    add(sum, picture.planes().get(i).bytes(), 0, picture.planes().get(i).stride(),
                            format.pixels().lineBytes(i, format.width()), format.pixels().lines(i, format.height()));
                shown.add(new Shown(format.width(), format.height(), sum.getValue()));
            }
        };
        try (Decoder decoder = engine.decoder(coding)) {
            for (byte[] unit : units) decoder.decode(MemorySegment.ofArray(unit), 0, sink);
            decoder.drain(sink);
        }
        return shown;
    }

    private static final class Client {
        private final OneThreadMedia device;
        private final int id;
        private final List<Shown> shown = new ArrayList<>();
        private boolean changed;
        private int width;
        private int height;
        private int stride;
        private int lines;

        Client(OneThreadMedia device) {
            this.device = device;
            id = device.open();
            call(Ioctl.SUBSCRIBE_EVENT,
                    MediaDriver.little(Struct.Subscription.BYTES).putInt(0, V4l2.EVENT_SOURCE_CHANGE));
            call(Ioctl.S_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.OUTPUT).putInt(8, 64)
                    .putInt(12, 64).putInt(28, 1 << 18));
            request(MediaDriver.OUTPUT, OUTPUTS);
            call(Ioctl.STREAMON, MediaDriver.little(4).putInt(0, MediaDriver.OUTPUT));
        }

        private void call(Ioctl ioctl, ByteBuffer payload) {
            assertThat(device.ioctl(id, ioctl, payload)).as("%s", ioctl).isZero();
        }

        private void request(int type, int count) {
            call(Ioctl.REQBUFS,
                    MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, count).putInt(4, type).putInt(8,
                            V4l2.MEMORY_MMAP));
        }

        private void queueUnit(int index, byte[] unit) {
            ByteBuffer buffer = MediaDriver.buffer(MediaDriver.OUTPUT, index, V4l2.MEMORY_MMAP, 1);
            call(Ioctl.QUERYBUF, buffer);
            device.write(buffer.getInt(96), ByteBuffer.wrap(unit));
            call(Ioctl.QBUF,
                    MediaDriver.buffer(MediaDriver.OUTPUT, index, V4l2.MEMORY_MMAP, 1).putInt(88, unit.length));
        }

        private void setUp() {
            changed = false;
            call(Ioctl.STREAMOFF, MediaDriver.little(4).putInt(0, MediaDriver.CAPTURE));
            request(MediaDriver.CAPTURE, 0);
            ByteBuffer format = MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.CAPTURE);
            call(Ioctl.G_FMT, format);
            lines = format.getInt(12);
            stride = format.getInt(32);
            ByteBuffer visible = MediaDriver.little(Struct.Selection.BYTES).putInt(0, MediaDriver.CAPTURE).putInt(4,
                    V4l2.SEL_COMPOSE);
            call(Ioctl.G_SELECTION, visible);
            width = visible.getInt(20);
            height = visible.getInt(24);
            ByteBuffer least = MediaDriver.little(8).putInt(0, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE);
            call(Ioctl.G_CTRL, least);
            assertThat(least.getInt(4)).as("buffers that are enough").isBetween(4, 24);
            int count = Math.max(CAPTURES, least.getInt(4));
            request(MediaDriver.CAPTURE, count);
            for (int i = 0; i < count; i++)
                call(Ioctl.QBUF, MediaDriver.buffer(MediaDriver.CAPTURE, i, V4l2.MEMORY_MMAP, 1));
            call(Ioctl.STREAMON, MediaDriver.little(4).putInt(0, MediaDriver.CAPTURE));
        }

        void decode(List<byte[]> units) {
            List<Integer> free = new ArrayList<>(List.of(0, 1, 2));
            int next = 0;
            boolean started = false;
            boolean stopped = false;
            for (;;) {
                while (!free.isEmpty() && next < units.size())
                    queueUnit(free.removeFirst(), units.get(next++));
                if (started && next == units.size() && !stopped) {
                    stopped = true;
                    call(Ioctl.DECODER_CMD, MediaDriver.little(Struct.CodecCommand.BYTES).putInt(0, V4l2.CMD_STOP));
                }
                boolean worked = device.work();
                var event = device.event();
                assertThat(worked || event.isPresent()).as("it goes on, after %d pictures", shown.size()).isTrue();
                if (event.isEmpty()) continue;
                if (!event.get().isBuffer()) {
                    changed = true;
                    if (!started) setUp();
                    started = true;
                } else if (event.get().type() == MediaDriver.OUTPUT) {
                    assertThat(event.get().flags() & V4l2.BUF_ERROR).isZero();
                    free.add(event.get().index());
                } else if (take(event.get())) {
                    return;
                }
            }
        }

        private boolean take(MediaDriver.Event event) {
            assertThat(event.flags() & V4l2.BUF_ERROR).isZero();
            if (event.used() > 0) {
                CRC32 sum = new CRC32();
                long at = event.body().getInt(96);
                long luma = (long) stride * lines;
                add(sum, device.region(), at, stride, width, height);
                add(sum, device.region(), at + luma, stride / 2, (width + 1) / 2, (height + 1) / 2);
                add(sum, device.region(), at + luma * 5 / 4, stride / 2, (width + 1) / 2, (height + 1) / 2);
                shown.add(new Shown(width, height, sum.getValue()));
            }
            if ((event.flags() & V4l2.BUF_LAST) == 0) {
                int failed = device.ioctl(id, Ioctl.QBUF,
                        MediaDriver.buffer(MediaDriver.CAPTURE, event.index(), V4l2.MEMORY_MMAP, 1));
                // The buffer may be too small for what comes, which the client is about to learn.
                assertThat(failed).isIn(0, Errno.EINVAL);
                return false;
            }
            if (!changed) return true;
            setUp();
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "HEVC", "AV1" }, mode = EnumSource.Mode.EXCLUDE)
    void theClientFollowsTheStream(Coding coding) throws CodecException, IOException {
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = encoded(engine, coding);
        List<Shown> expected = alone(engine, coding, units);
        assertThat(expected).hasSize(PIECE * SIZES.length);
        try (OneThreadMedia device = new OneThreadMedia(List.of(CodedFormat.of(coding, engine)))) {
            Client client = new Client(device);
            client.decode(units);
            assertThat(client.shown).isEqualTo(expected);
            assertThat(device.statistic("copiedBytes.pictures")).isZero();
            device.closeSession(client.id);
        }
    }
}
