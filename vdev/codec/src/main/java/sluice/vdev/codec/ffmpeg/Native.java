package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;

/** A pointer of the library's kind to memory of ours. */
final class Native extends BytePointer {
    private static final int LONGEST_ERROR = 64;

    Native() {
        super((Pointer) null);
    }

    /** This pointer, now to the beginning of {@code segment}, which the caller keeps alive. */
    Native to(MemorySegment segment) {
        address = segment.address();
        return this;
    }

    /** The memory at {@code pointer}, {@code size} bytes; empty if it points nowhere. */
    static MemorySegment memory(@Nullable Pointer pointer, long size) {
        return pointer == null ? MemorySegment.NULL : MemorySegment.ofAddress(pointer.address()).reinterpret(size);
    }

    /** @throws CodecException the library cannot open {@code codec} for {@code what} */
    static void open(AVCodecContext context, AVCodec codec, String what) throws CodecException {
        check(avcodec.avcodec_open2(context, codec, (AVDictionary) null), what);
    }

    /** @throws CodecException {@code result} is one of the library's errors */
    static void check(int result, String what) throws CodecException {
        if (result >= 0) return;
        byte[] text = new byte[LONGEST_ERROR];
        avutil.av_strerror(result, text, text.length);
        throw new CodecException("libavcodec cannot %s: %s".formatted(what,
                new String(text, StandardCharsets.UTF_8).replaceFirst("\0.*", "")));
    }

    /** Whether {@code result} says that there is nothing to receive now, or ever. */
    static boolean isNothing(int result) {
        return result == avutil.AVERROR_EAGAIN() || result == avutil.AVERROR_EOF;
    }
}
