package sluice.vdev.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.budget.Resource;
import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;

import static org.assertj.core.api.Assertions.assertThat;

/** Pictures that a library decodes through the device are those that it decodes alone, bit by bit. */
class CodedStreamTest {
    private static final int WIDTH = CodedClip.WIDTH;
    private static final int HEIGHT = CodedClip.HEIGHT;
    private static final int STRIDE = 384;
    private static final int FRAMES = CodedClip.FRAMES;
    private static final int BUFFERS = 3;
    private static final int MANY_BUFFERS = 14;
    private static final int UNIT_BYTES = 1 << 17;
    /** What a decoder of this stream keeps, with one buffer that is filled and one that its client has: far fewer than there are. */
    private static final int FEW_BUFFERS = 6;
    private static final PictureFormat FORMAT = CodedClip.FORMAT;

    /** CAPTURE buffers that pictures came in. */
    private final Set<Integer> filled = new HashSet<>();

    /** A picture: the time of its unit, and its samples. */
    private record Shown(long time, List<byte[]> planes) {}

    private static byte[] plane(MemorySegment bytes, long at, int stride, int width, int height) {
        byte[] samples = new byte[width * height];
        for (int y = 0; y < height; y++)
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at + (long) y * stride, samples, y * width, width);
        return samples;
    }

    private static List<Shown> alone(CodecEngine engine, Coding coding, List<byte[]> units) throws CodecException {
        List<Shown> shown = new ArrayList<>();
        PictureSink sink = new PictureSink() {
            @Override
            public void format(PictureFormat format) {
                assertThat(format).isEqualTo(FORMAT);
            }

            @Override
            public void picture(Picture picture, long time, boolean key) {
                List<byte[]> planes = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    Picture.Plane plane = picture.planes().get(i);
                    planes.add(plane(plane.bytes(), 0, plane.stride(), i == 0 ? WIDTH : WIDTH / 2,
                            i == 0 ? HEIGHT : HEIGHT / 2));
                }
                shown.add(new Shown(time / 1_000_000_000, planes));
            }
        };
        try (Decoder decoder = engine.decoder(coding)) {
            for (int i = 0; i < units.size(); i++)
                decoder.decode(MemorySegment.ofArray(units.get(i)), 1_000_000_000L * (i + 1), sink);
            decoder.drain(sink);
        }
        return shown;
    }

    private static int offset(OneThreadMedia device, int id, int type, int index) {
        ByteBuffer buffer = MediaDriver.buffer(type, index, V4l2.MEMORY_MMAP, 1);
        assertThat(device.ioctl(id, Ioctl.QUERYBUF, buffer)).isZero();
        return buffer.getInt(96);
    }

    private static void request(OneThreadMedia device, int id, int type, int count) {
        ByteBuffer request = MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, count).putInt(4, type).putInt(8,
                V4l2.MEMORY_MMAP);
        assertThat(device.ioctl(id, Ioctl.REQBUFS, request)).isZero();
        assertThat(request.getInt(0)).isEqualTo(count);
    }

    private static void queue(OneThreadMedia device, int id, int type, int index, int used, long seconds) {
        assertThat(device.ioctl(id, Ioctl.QBUF, MediaDriver.buffer(type, index, V4l2.MEMORY_MMAP, 1).putInt(88, used)
                .putLong(24, seconds))).isZero();
    }

    private static void on(OneThreadMedia device, int id, int type) {
        assertThat(device.ioctl(id, Ioctl.STREAMON, MediaDriver.little(4).putInt(0, type))).isZero();
    }

    private List<Shown> through(OneThreadMedia device, List<byte[]> units, int captures) {
        int id = device.open();
        assertThat(device.ioctl(id, Ioctl.S_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.OUTPUT)
                .putInt(8, WIDTH).putInt(12, HEIGHT).putInt(28, UNIT_BYTES))).isZero();
        request(device, id, MediaDriver.OUTPUT, BUFFERS);
        request(device, id, MediaDriver.CAPTURE, captures);
        on(device, id, MediaDriver.OUTPUT);
        on(device, id, MediaDriver.CAPTURE);
        List<Integer> free = new ArrayList<>(List.of(0, 1, 2));
        for (int i = 0; i < captures; i++) queue(device, id, MediaDriver.CAPTURE, i, 0, 0);
        List<Shown> shown = new ArrayList<>();
        int next = 0;
        for (boolean last = false; !last;) {
            while (!free.isEmpty() && next < units.size()) {
                int index = free.removeFirst();
                device.write(offset(device, id, MediaDriver.OUTPUT, index), ByteBuffer.wrap(units.get(next)));
                queue(device, id, MediaDriver.OUTPUT, index, units.get(next++).length, next);
                if (next == units.size())
                    assertThat(device.ioctl(id, Ioctl.DECODER_CMD, MediaDriver
                            .little(Struct.CodecCommand.BYTES).putInt(0, V4l2.CMD_STOP))).isZero();
            }
            boolean worked = device.work();
            Optional<MediaDriver.Event> event = device.event();
            assertThat(worked || event.isPresent()).as("it goes on, after %d pictures", shown.size()).isTrue();
            if (event.isEmpty()) continue;
            assertThat(event.get().flags() & V4l2.BUF_ERROR).isZero();
            if (event.get().type() == MediaDriver.OUTPUT) {
                free.add(event.get().index());
                continue;
            }
            last = (event.get().flags() & V4l2.BUF_LAST) != 0;
            if (event.get().used() > 0) {
                shown.add(taken(device, event.get()));
                filled.add(event.get().index());
            }
            if (!last) queue(device, id, MediaDriver.CAPTURE, event.get().index(), 0, 0);
        }
        device.closeSession(id);
        return shown;
    }

    private static Shown taken(OneThreadMedia device, MediaDriver.Event event) {
        long at = event.body().getInt(96);
        long chroma = at + (long) STRIDE * HEIGHT;
        return new Shown(event.seconds(), List.of(plane(device.region(), at, STRIDE, WIDTH, HEIGHT),
                plane(device.region(), chroma, STRIDE / 2, WIDTH / 2, HEIGHT / 2),
                plane(device.region(), chroma + (long) STRIDE * HEIGHT / 4, STRIDE / 2, WIDTH / 2, HEIGHT / 2)));
    }

    private static final long PICTURE_BYTES = FORMAT.bytes();

    /** Few buffers for the client: the decoder keeps pictures in memory of its own, and each is copied at most once. */
    @ParameterizedTest
    @EnumSource(Coding.class)
    void theDeviceChangesNothing(Coding coding) throws CodecException, IOException {
        assertThat(copied(coding, BUFFERS)).isBetween(FRAMES * PICTURE_BYTES, FRAMES * PICTURE_BYTES * 5 / 4);
    }

    /** Each picture is decoded into the client's buffer, also those that the decoder reads after the client has got them. */
    @ParameterizedTest
    @EnumSource(Coding.class)
    void picturesAreDecodedInPlace(Coding coding) throws CodecException, IOException {
        assertThat(copied(coding, MANY_BUFFERS)).isZero();
    }

    /** The pictures of HEVC are those of another build of libavcodec: the checksum of all is from Debian's 7.1.5. */
    @Test
    void theClipOfHevcIsWhatAnotherBuildMakesOfIt() throws Exception {
        CodecEngine engine = Engines.decoding(Coding.HEVC).orElseThrow();
        MessageDigest sum = MessageDigest.getInstance("MD5");
        for (Shown one : alone(engine, Coding.HEVC, CodedClip.units(engine, Coding.HEVC)))
            one.planes().forEach(sum::update);
        assertThat(HexFormat.of().formatHex(sum.digest())).isEqualTo("4307ecaa5486dd2a062cd6cf72b202f3");
    }

    /** The buffer that was queued last is used first, so that a client with many touches no more memory than one with few. */
    @Test
    void buffersAreUsedAgainWhileTheyAreInCaches() throws CodecException, IOException {
        assertThat(copied(Coding.H264, MANY_BUFFERS)).isZero();
        assertThat(filled).hasSizeLessThanOrEqualTo(FEW_BUFFERS);
    }

    /** Whatever a stream says: its units are errors at most, others are decoded after it, and nothing is kept. */
    @ParameterizedTest
    @EnumSource(value = Coding.class, names = "AV1", mode = EnumSource.Mode.EXCLUDE)
    void brokenStreamsLeaveNothing(Coding coding) throws CodecException, IOException {
        System.out.println("seed 21");
        Random random = new Random(21);
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = CodedClip.units(engine, coding);
        try (OneThreadMedia device = new OneThreadMedia(List.of(CodedFormat.of(coding, engine)))) {
            int id = device.open();
            assertThat(device.ioctl(id, Ioctl.S_FMT, MediaDriver.little(Struct.Format.BYTES)
                    .putInt(0, MediaDriver.OUTPUT).putInt(8, WIDTH).putInt(12, HEIGHT).putInt(28, UNIT_BYTES)))
                    .isZero();
            request(device, id, MediaDriver.OUTPUT, BUFFERS);
            request(device, id, MediaDriver.CAPTURE, MANY_BUFFERS);
            on(device, id, MediaDriver.OUTPUT);
            on(device, id, MediaDriver.CAPTURE);
            for (int i = 0; i < MANY_BUFFERS; i++) queue(device, id, MediaDriver.CAPTURE, i, 0, 0);
            int sent = 0;
            for (int round = 0; round < 200 && sent < 60; round++) {
                if (sent < BUFFERS) {
                    queueBroken(device, id, sent++, units, random);
                    continue;
                }
                while (device.work()) {
                    // All that can be done.
                }
                for (var event = device.event(); event.isPresent(); event = device.event()) {
                    if (event.get().kind() != 1) continue;
                    if (event.get().type() == MediaDriver.OUTPUT)
                        queueBroken(device, id, event.get().index(), units, random);
                    else
                        if ((event.get().flags() & V4l2.BUF_LAST) == 0)
                            device.ioctl(id, Ioctl.QBUF, MediaDriver.buffer(MediaDriver.CAPTURE, event.get().index(),
                                    V4l2.MEMORY_MMAP, 1));
                    sent++;
                }
            }
            device.closeSession(id);
            while (device.work()) {
                // The decoder is closed.
            }
            assertThat(device.device.arena().reserved()).isZero();
            assertThat(device.used(Resource.HEAP)).isZero();
            assertThat(device.used(Resource.HOST_MEMORY)).isZero();
            assertThat(through(device, units, MANY_BUFFERS)).hasSize(FRAMES);
        }
    }

    private static void queueBroken(OneThreadMedia device, int id, int index, List<byte[]> units, Random random) {
        byte[] unit = units.get(random.nextInt(units.size())).clone();
        int changes = random.nextInt(12);
        for (int i = 0; i < changes; i++) unit[random.nextInt(unit.length)] = (byte) random.nextInt();
        int length = random.nextInt(4) == 0 ? 1 + random.nextInt(unit.length) : unit.length;
        device.write(offset(device, id, MediaDriver.OUTPUT, index), ByteBuffer.wrap(unit));
        queue(device, id, MediaDriver.OUTPUT, index, length, 1);
    }

    private long copied(Coding coding, int captures) throws CodecException, IOException {
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = CodedClip.units(engine, coding);
        List<Shown> expected = alone(engine, coding, units);
        assertThat(expected).hasSize(FRAMES);
        try (OneThreadMedia device = new OneThreadMedia(List.of(CodedFormat.of(coding, engine)))) {
            List<Shown> seen = through(device, units, captures);
            assertThat(seen).hasSize(FRAMES);
            for (int i = 0; i < FRAMES; i++) {
                assertThat(seen.get(i).time()).as("of picture %d", i).isEqualTo(expected.get(i).time());
                for (int plane = 0; plane < 3; plane++)
                    assertThat(seen.get(i).planes().get(plane)).as("plane %d of picture %d", plane, i)
                            .isEqualTo(expected.get(i).planes().get(plane));
            }
            return device.statistic("copiedBytes.pictures");
        }
    }
}
