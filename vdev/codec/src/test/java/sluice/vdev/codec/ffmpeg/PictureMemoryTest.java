package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.CRC32;

import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Decoders that write into the caller's memory, compared with libavcodec alone. */
class PictureMemoryTest {
    private static final int FRAMES = 40;

    private final FfmpegEngine engine = new FfmpegEngine();
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void end() {
        arena.close();
    }

    /** Memory that is given again when it was released, and checks that it is given and released in turn. */
    private final class Pool implements PictureMemory {
        private final Deque<Place> free = new ArrayDeque<>();
        private final Set<Place> held = new HashSet<>();
        private final int most;
        private int made;

        Pool(int most) {
            this.most = most;
        }

        @Override
        public @Nullable Place take(Wanted wanted) {
            Place place = free.poll();
            if (place == null) {
                if (held.size() == most) return null;
                made++;
                place = place(wanted, 128);
            }
            for (Picture.Plane plane : place.planes()) plane.bytes().fill((byte) 0x5a);
            assertThat(held.add(place)).isTrue();
            assertThat(held.size()).as("pictures that the decoder keeps").isLessThanOrEqualTo(wanted.pictures());
            return place;
        }

        @Override
        public void release(Place place) {
            assertThat(held.remove(place)).isTrue();
            free.add(place);
        }

        boolean holds(MemorySegment plane) {
            return held.stream().flatMap(place -> place.planes().stream()).map(Picture.Plane::bytes)
                    .anyMatch(memory -> plane.address() >= memory.address()
                            && plane.address() + plane.byteSize() <= memory.address() + memory.byteSize());
        }
    }

    /** Planes that are not one after the other, of exactly the size that is written. */
    private PictureMemory.Place place(PictureMemory.Wanted wanted, int unit) {
        int stride = (wanted.width() + unit - 1) / unit * unit;
        List<Picture.Plane> planes = new ArrayList<>();
        for (int i = 2; i >= 0; i--) {
            long size = i == 0 ? (long) stride * wanted.lines() : (long) stride * wanted.lines() / 4;
            planes.addFirst(new Picture.Plane(arena.allocate(size + PictureMemory.SLACK, unit).asSlice(0, size),
                    i == 0 ? stride : stride / 2));
        }
        return new PictureMemory.Place(planes);
    }

    /** A checksum of the visible pixels of each picture. */
    private static final class Sums implements PictureSink {
        private final List<Long> sums = new ArrayList<>();
        private final @Nullable Pool pool;

        Sums(@Nullable Pool pool) {
            this.pool = pool;
        }

        @Override
        public void format(PictureFormat format) {
            assertThat(format.pixels()).isEqualTo(PixelFormat.YU12);
        }

        @Override
        public void picture(Picture picture, long time, boolean key) {
            CRC32 sum = new CRC32();
            for (int i = 0; i < picture.planes().size(); i++) {
                Picture.Plane plane = picture.planes().get(i);
                if (pool != null)
                    assertThat(pool.holds(plane.bytes())).as("plane %d is in the caller's memory", i).isTrue();
                add(sum, plane.bytes(), plane.stride(), i, picture.format().width(), picture.format().height());
            }
            sums.add(sum.getValue());
        }
    }

    private static void add(CRC32 sum, MemorySegment bytes, int stride, int plane, int width, int height) {
        for (int y = 0; y < PixelFormat.YU12.lines(plane, height); y++) {
            sum.update(bytes.asSlice((long) y * stride, PixelFormat.YU12.lineBytes(plane, width))
                    .toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private List<byte[]> encode(Coding coding, int width, int height, int between) throws CodecException {
        EncoderSettings settings = new EncoderSettings(coding, new PictureFormat(PixelFormat.YU12, width, height),
                new Ratio(25, 1), new Ratio(4, 3), 3_000_000, 3_000_000, 1_500_000, 12, between, 2);
        List<byte[]> units = new ArrayList<>();
        PacketSink sink = (bytes, _, _) -> units.add(bytes.toArray(ValueLayout.JAVA_BYTE));
        try (Encoder encoder = engine.encoder(settings)) {
            Picture picture = Picture.allocate(settings.format(), arena);
            byte[] luma = new byte[width * height];
            for (int i = 0; i < FRAMES; i++) {
                new TestPattern().fill(i, width, height, luma);
                MemorySegment.copy(luma, 0, picture.planes().get(0).bytes(), ValueLayout.JAVA_BYTE, 0, luma.length);
                picture.planes().get(1).bytes().fill((byte) (3 * i));
                encoder.encode(picture, i, false, sink);
            }
            encoder.drain(sink);
        }
        return units;
    }

    private void decode(Decoder decoder, List<byte[]> units, PictureSink sink) throws CodecException {
        for (byte[] unit : units) decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, unit), 0, sink);
        decoder.drain(sink);
    }

    /** The same by libavcodec alone, with its own pool of pictures. */
    private static List<Long> plain(Coding coding, List<byte[]> units) {
        List<Long> sums = new ArrayList<>();
        AVCodecContext context = avcodec.avcodec_alloc_context3(avcodec.avcodec_find_decoder_by_name(switch (coding) {
            case MPEG2 -> "mpeg2video";
            case AV1 -> "libaom-av1";
            default -> coding.name().toLowerCase(Locale.ROOT);
        }));
        context.thread_count(1);
        assertThat(avcodec.avcodec_open2(context, context.codec(), (AVDictionary) null)).isZero();
        AVPacket packet = avcodec.av_packet_alloc();
        AVFrame frame = avutil.av_frame_alloc();
        for (int i = 0; i <= units.size(); i++) {
            if (i < units.size()) {
                avcodec.av_new_packet(packet, units.get(i).length);
                packet.data().put(units.get(i));
            }
            assertThat(avcodec.avcodec_send_packet(context, i < units.size() ? packet : null)).isZero();
            avcodec.av_packet_unref(packet);
            while (avcodec.avcodec_receive_frame(context, frame) == 0) {
                CRC32 sum = new CRC32();
                for (int plane = 0; plane < 3; plane++) {
                    add(sum, Native.memory(frame.data(plane), (long) frame.linesize(plane) * frame.height()),
                            frame.linesize(plane), plane, frame.width(), frame.height());
                }
                sums.add(sum.getValue());
            }
        }
        avutil.av_frame_free(frame);
        avcodec.av_packet_free(packet);
        avcodec.avcodec_free_context(context);
        return sums;
    }

    @ParameterizedTest
    @CsvSource({ "MPEG2, 352, 288, 2", "MPEG2, 720, 480, 0", "H264, 352, 288, 0", "H264, 722, 406, 0",
            "VP8, 352, 288, 0", "VP9, 722, 406, 0", "AV1, 352, 288, 0", "MJPEG, 352, 288, 0" })
    void picturesAreThoseOfTheLibraryAlone(Coding coding, int width, int height, int between) throws Exception {
        List<byte[]> units = encode(coding, width, height, between);
        Pool pool = new Pool(20);
        Sums sums = new Sums(pool);
        try (Decoder decoder = engine.decoder(coding, pool)) {
            decode(decoder, units, sums);
        }
        assertThat(sums.sums).hasSize(FRAMES).isEqualTo(plain(coding, units));
        assertThat(new HashSet<>(sums.sums)).as("pictures differ").hasSizeGreaterThan(FRAMES / 2);
        assertThat(pool.held).as("all is released").isEmpty();
        assertThat(pool.made).as("buffers that were used again").isLessThan(FRAMES / 2);
        Sums own = new Sums(null);
        try (Decoder decoder = engine.decoder(coding)) {
            decode(decoder, units, own);
        }
        assertThat(own.sums).isEqualTo(sums.sums);
    }

    @Test
    void withoutMemoryAUnitFailsAndTheDecoderGoesOn() throws Exception {
        List<byte[]> units = encode(Coding.MPEG2, 352, 288, 0);
        Pool pool = new Pool(20);
        boolean[] empty = { true };
        PictureMemory memory = new PictureMemory() {
            @Override
            public @Nullable Place take(Wanted wanted) {
                return empty[0] ? null : pool.take(wanted);
            }

            @Override
            public void release(Place released) {
                pool.release(released);
            }
        };
        Sums sums = new Sums(pool);
        try (Decoder decoder = engine.decoder(Coding.MPEG2, memory)) {
            assertThatExceptionOfType(CodecException.class)
                    .isThrownBy(
                            () -> decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, units.getFirst()), 0, sums))
                    .withMessage("no memory for a picture of YU12 352x288");
            empty[0] = false;
            decode(decoder, units, sums);
        }
        assertThat(sums.sums).isEqualTo(plain(Coding.MPEG2, units));
        assertThat(pool.held).isEmpty();
    }

    @Test
    void memoryThatDoesNotFitIsRefused() throws Exception {
        List<byte[]> units = encode(Coding.H264, 352, 288, 0);
        for (int wrong = 0; wrong < 4; wrong++) {
            int how = wrong;
            PictureMemory memory = new PictureMemory() {
                @Override
                public Place take(Wanted wanted) {
                    List<Picture.Plane> planes = new ArrayList<>(place(wanted, 128).planes());
                    Picture.Plane last = planes.removeLast();
                    planes.add(switch (how) {
                        case 0 -> new Picture.Plane(last.bytes().asSlice(1), last.stride());
                        case 1 -> new Picture.Plane(arena.allocate(1 << 20, 128).asSlice(1), last.stride());
                        case 2 -> new Picture.Plane(MemorySegment.ofArray(new byte[1 << 20]), last.stride());
                        default -> new Picture.Plane(arena.allocate(1 << 20, 128), last.stride() + 1);
                    });
                    return new Place(planes);
                }

                @Override
                public void release(Place released) {
                    throw new AssertionError("nothing was taken");
                }
            };
            try (Decoder decoder = engine.decoder(Coding.H264, memory)) {
                assertThatExceptionOfType(CodecException.class)
                        .isThrownBy(() -> decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, units.getFirst()), 0,
                                new Sums(null)))
                        .withMessageMatching(
                                "memory of [0-9]+ bytes at 0x[0-9a-f]+, [0-9]+ a line, for a plane of 176x144, native .*");
            }
        }
    }

    /** More than the ten functions that the binding can give to the library. */
    @Test
    void thirtyDecodersAtOnceHaveTheirOwnMemory() throws Exception {
        List<byte[]> units = encode(Coding.H264, 352, 288, 0);
        List<Long> expected = plain(Coding.H264, units);
        List<Decoder> decoders = new ArrayList<>();
        List<Pool> pools = new ArrayList<>();
        List<Sums> sums = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            pools.add(new Pool(20));
            sums.add(new Sums(pools.get(i)));
            decoders.add(engine.decoder(Coding.H264, pools.get(i)));
        }
        for (byte[] unit : units) {
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, unit);
            for (int i = 0; i < decoders.size(); i++) decoders.get(i).decode(memory, 0, sums.get(i));
        }
        for (int i = 0; i < decoders.size(); i++) {
            decoders.get(i).drain(sums.get(i));
            decoders.get(i).close();
            assertThat(sums.get(i).sums).isEqualTo(expected);
            assertThat(pools.get(i).held).isEmpty();
        }
    }
}
