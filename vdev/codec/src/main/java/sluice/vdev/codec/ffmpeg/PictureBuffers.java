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
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PixelFormat;

/**
 * The memory of a caller as the library's picture buffers, by its get_buffer2. The library calls two functions for all decoders, as the
 * binding has room for ten only; they find the decoder by its context, and the memory by its address.
 */
final class PictureBuffers {
    private static final int STRIDE = 128;
    private static final int LINES = 32;
    /** What fast code may read or write behind the last line. */
    private static final int SLACK = 1024;
    /** AVERROR(ENOMEM), which the binding does not have. */
    private static final int NO_MEMORY = -12;

    private static final Map<Long, PictureBuffers> DECODERS = new ConcurrentHashMap<>();
    private static final Map<Long, Taken> TAKEN = new ConcurrentHashMap<>();
    private static final Get GET = new Get();
    private static final Free FREE = new Free();

    private record Taken(PictureBuffers owner, MemorySegment memory) {}

    private final AVCodecContext context;
    private final PictureMemory memory;
    private final Native[] planes = { new Native(), new Native(), new Native() };
    private @Nullable Throwable failure;

    private PictureBuffers(AVCodecContext context, PictureMemory memory) {
        this.context = context;
        this.memory = memory;
    }

    /** Lets the pictures of a decoder be in {@code memory}, from before it is opened until {@link #free}. */
    static PictureBuffers use(AVCodecContext context, PictureMemory memory) {
        PictureBuffers buffers = new PictureBuffers(context, memory);
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

    /** The memory of a picture of the library, or null if it is the library's own. */
    static @Nullable MemorySegment of(AVFrame frame) {
        AVBufferRef buffer = frame.buf(0);
        Taken taken = buffer == null ? null : TAKEN.get(buffer.data().address());
        return taken == null ? null : taken.memory;
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
        int stride = round(width[0], STRIDE);
        int lines = round(height[0], LINES);
        long luma = (long) stride * lines;
        PictureFormat format = FfmpegDecoder.format(PixelFormat.YU12, frame.width(), frame.height());
        long bytes = luma + luma / 2 + SLACK;
        MemorySegment given = memory.take(format, bytes, STRIDE);
        if (given == null) throw new CodecException("no memory for a picture of " + format);
        if (!given.isNative() || given.byteSize() < bytes || given.address() % STRIDE != 0)
            throw new CodecException("memory of %d bytes at 0x%x for a picture that needs %d, native and aligned to %d"
                    .formatted(given.byteSize(), given.address(), bytes, STRIDE));
        if (TAKEN.putIfAbsent(given.address(), new Taken(this, given)) != null)
            throw new CodecException("memory at 0x%x was given twice".formatted(given.address()));
        AVBufferRef buffer = avutil.av_buffer_create(planes[0].to(given), bytes, FREE, null, 0);
        if (buffer == null) {
            TAKEN.remove(given.address());
            memory.release(given);
            return NO_MEMORY;
        }
        frame.buf(0, buffer);
        frame.data(0, planes[0]).linesize(0, stride);
        frame.data(1, planes[1].to(given.asSlice(luma))).linesize(1, stride / 2);
        frame.data(2, planes[2].to(given.asSlice(luma + luma / 4))).linesize(2, stride / 2);
        return 0;
    }

    private static int round(int value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
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
                taken.owner.memory.release(taken.memory);
            } catch (RuntimeException | Error e) {
                taken.owner.failure = e;
            }
        }
    }
}
