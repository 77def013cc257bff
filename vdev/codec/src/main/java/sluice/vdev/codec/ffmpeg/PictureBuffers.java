package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.Free_Pointer_BytePointer;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PixelFormat;

/**
 * The memory of a caller as the library's picture buffers, by its get_buffer2. The library calls two functions for all decoders, as the
 * binding has room for ten only; they find the decoder by its context, and the memory by its address.
 */
final class PictureBuffers {
    /** The library counts lines in these; what it adds is only read. */
    private static final int LINES = 32;
    /** AVERROR(ENOMEM), which the binding does not have. */
    private static final int NO_MEMORY = -12;

    private static final Map<Long, PictureBuffers> DECODERS = new ConcurrentHashMap<>();
    private static final Map<Long, Taken> TAKEN = new ConcurrentHashMap<>();
    private static final Get GET = new Get();
    private static final Free FREE = new Free();

    private record Taken(PictureBuffers owner, PictureMemory.Place place) {}

    private final AVCodecContext context;
    private final PictureMemory memory;
    private final Coding coding;
    private final Native[] planes = { new Native(), new Native(), new Native() };
    private @Nullable Throwable failure;

    private PictureBuffers(AVCodecContext context, Coding coding, PictureMemory memory) {
        this.context = context;
        this.coding = coding;
        this.memory = memory;
    }

    /** Lets the pictures of a decoder be in {@code memory}, from before it is opened until {@link #free}. */
    static PictureBuffers use(AVCodecContext context, Coding coding, PictureMemory memory) {
        PictureBuffers buffers = new PictureBuffers(context, coding, memory);
        DECODERS.put(context.address(), buffers);
        context.get_buffer2(GET);
        return buffers;
    }

    /** Frees the context, and with it all that it keeps. */
    void free() {
        long address = context.address();
        avcodec.avcodec_free_context(context);
        DECODERS.remove(address);
        if (failure != null) throw new IllegalStateException("releasing memory of a picture", failure);
    }

    /** A plane of a picture of the library in the memory of its caller, or null if it is the library's own. */
    static @Nullable MemorySegment plane(AVFrame frame, int plane, long size) {
        AVBufferRef buffer = frame.buf(0);
        Taken taken = buffer == null ? null : TAKEN.get(buffer.data().address());
        if (taken == null) return null;
        MemorySegment given = taken.place.planes().get(plane).bytes();
        return given.asSlice(frame.data(plane).address() - given.address(), size);
    }

    /** @throws CodecException the caller's memory failed in the last call of the library; its error says only that something did */
    void throwFailure() throws CodecException {
        Throwable thrown = failure;
        failure = null;
        if (thrown instanceof CodecException said) throw said;
        if (thrown != null) throw new IllegalStateException("memory for a picture", thrown);
    }

    private int get(AVFrame frame, int flags) {
        if (frame.format() != avutil.AV_PIX_FMT_YUV420P && frame.format() != avutil.AV_PIX_FMT_YUVJ420P)
            return avcodec.avcodec_default_get_buffer2(context, frame, flags);
        try {
            return place(frame);
        } catch (CodecException | RuntimeException | Error e) {
            // An exception must not run through the library.
            failure = e;
            return NO_MEMORY;
        }
    }

    private int place(AVFrame frame) throws CodecException {
        int[] width = { frame.width() };
        int[] height = { frame.height() };
        avcodec.avcodec_align_dimensions2(context, width, height, new int[8]);
        int lines = height[0] / LINES * LINES;
        PictureFormat format = FfmpegDecoder.format(PixelFormat.YU12, context.width(), context.height());
        PictureMemory.Wanted wanted = new PictureMemory.Wanted(format, width[0], lines, most());
        PictureMemory.Place given = memory.take(wanted);
        if (given == null) throw new CodecException("no memory for a picture of " + format);
        check(given, wanted);
        if (TAKEN.putIfAbsent(given.address(), new Taken(this, given)) != null)
            throw new CodecException("memory at 0x%x was given twice".formatted(given.address()));
        Picture.Plane luma = given.planes().getFirst();
        AVBufferRef buffer = avutil.av_buffer_create(planes[0].to(luma.bytes()), luma.bytes().byteSize(), FREE, null,
                0);
        if (buffer == null) {
            TAKEN.remove(given.address());
            memory.release(given);
            return NO_MEMORY;
        }
        frame.buf(0, buffer);
        for (int i = 0; i < planes.length; i++) {
            Picture.Plane plane = given.planes().get(i);
            frame.data(i, planes[i].to(plane.bytes())).linesize(i, plane.stride());
        }
        return 0;
    }

    private static void check(PictureMemory.Place given, PictureMemory.Wanted wanted) throws CodecException {
        if (given.planes().size() != 3)
            throw new CodecException("%d planes of memory".formatted(given.planes().size()));
        for (int i = 0; i < 3; i++) {
            Picture.Plane plane = given.planes().get(i);
            int width = i == 0 ? wanted.width() : wanted.width() / 2;
            int lines = i == 0 ? wanted.lines() : wanted.lines() / 2;
            if (!plane.bytes().isNative() || plane.stride() < width
                    || (plane.bytes().address() | plane.stride()) % PictureMemory.ALIGNMENT != 0
                    || plane.bytes().byteSize() < (long) plane.stride() * lines)
                throw new CodecException(
                        "memory of %d bytes at 0x%x, %d a line, for a plane of %dx%d, native and aligned to %d"
                                .formatted(
                                        plane.bytes().byteSize(), plane.bytes().address(), plane.stride(), width, lines,
                                        PictureMemory.ALIGNMENT));
        }
    }

    /** The most pictures that the library keeps: references, those shown later, the present one, and one for errors. */
    private int most() {
        int references = coding == Coding.H264 ? context.refs() : coding.references();
        return Math.max(1, references) + Math.max(0, context.has_b_frames()) + 2;
    }

    /** The library's get_buffer2. */
    private static final class Get extends AVCodecContext.Get_buffer2_AVCodecContext_AVFrame_int {
        @Override
        public int call(AVCodecContext context, AVFrame frame, int flags) {
            PictureBuffers buffers = DECODERS.get(context.address());
            return buffers == null
                    ? avcodec.avcodec_default_get_buffer2(context, frame, flags)
                    : buffers.get(frame, flags);
        }
    }

    /** The library drops its last reference. */
    private static final class Free extends Free_Pointer_BytePointer {
        @Override
        public void call(Pointer ignored, BytePointer data) {
            Taken taken = TAKEN.remove(data.address());
            if (taken == null) return;
            try {
                taken.owner.memory.release(taken.place);
            } catch (RuntimeException | Error e) {
                taken.owner.failure = e;
            }
        }
    }
}
