package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.codec.PixelFormat;

/** A decoder of libavcodec, which works in the caller's thread only. */
final class FfmpegDecoder implements Decoder {
    /** More than any coded picture of the largest size needs; the library's own sizes have 32 bits. */
    private static final long MOST_BYTES = 1 << 28;
    /** AV_FRAME_FLAG_CORRUPT and AV_FRAME_FLAG_KEY of libavutil/frame.h, which the binding does not have. */
    private static final int CORRUPT_FLAG = 1;
    private static final int KEY_FLAG = 1 << 1;

    private final AVCodecContext context;
    private final AVPacket packet;
    private final AVFrame frame;
    private final boolean mpeg2;
    private final @Nullable PictureBuffers buffers;
    private @Nullable PictureFormat told;
    /** What the last sequence header says: size, aspect ratio and frame rate. */
    private int sequence;
    private boolean closed;

    FfmpegDecoder(AVCodec codec, Coding coding, @Nullable PictureMemory memory) throws CodecException {
        mpeg2 = coding == Coding.MPEG2;
        context = avcodec.avcodec_alloc_context3(codec);
        packet = avcodec.av_packet_alloc();
        frame = avutil.av_frame_alloc();
        boolean done = false;
        try {
            context.thread_count(1);
            buffers = memory == null ? null : PictureBuffers.use(context, coding, memory);
            Native.open(context, codec, "decode " + coding);
            done = true;
        } finally {
            if (!done) close();
        }
    }

    @Override
    public void decode(MemorySegment unit, long time, PictureSink sink) throws CodecException {
        if (unit.byteSize() > MOST_BYTES) throw new CodecException("a unit of %d bytes".formatted(unit.byteSize()));
        // An empty packet would end the stream.
        if (unit.byteSize() == 0) throw new CodecException("a unit without bytes");
        int size = (int) unit.byteSize();
        Native.check(avcodec.av_new_packet(packet, size), "allocate a unit of %d bytes".formatted(size));
        try {
            MemorySegment copy = Native.memory(packet.data(), size);
            copy.copyFrom(unit);
            if (mpeg2) begin(copy, sink);
            packet.pts(time);
            send(packet, sink);
        } finally {
            avcodec.av_packet_unref(packet);
        }
    }

    /** The library forgets the picture that it holds back when another sequence begins: it is drained before. */
    private void begin(MemorySegment unit, PictureSink sink) throws CodecException {
        int header = Mpeg2Headers.sequence(unit);
        if (header == 0 || header == sequence) return;
        boolean first = sequence == 0;
        sequence = header;
        if (first) return;
        send(null, sink);
        avcodec.avcodec_flush_buffers(context);
    }

    @Override
    public void drain(PictureSink sink) throws CodecException {
        send(null, sink);
    }

    private void send(@Nullable AVPacket what, PictureSink sink) throws CodecException {
        if (closed) throw new IllegalStateException("the decoder is closed");
        check(avcodec.avcodec_send_packet(context, what), "decode a unit");
        for (;;) {
            int result = avcodec.avcodec_receive_frame(context, frame);
            if (Native.isNothing(result)) return;
            check(result, "decode a picture");
            try {
                give(sink);
            } finally {
                avutil.av_frame_unref(frame);
            }
        }
    }

    private void check(int result, String what) throws CodecException {
        if (buffers != null) buffers.throwFailure();
        Native.check(result, what);
    }

    private void give(PictureSink sink) throws CodecException {
        PictureFormat format = format(pixels(frame.format()), frame.width(), frame.height());
        if (!format.equals(told)) {
            told = format;
            sink.format(format);
        }
        List<Picture.Plane> planes = new ArrayList<>(format.pixels().planes());
        for (int i = 0; i < format.pixels().planes(); i++) {
            int stride = frame.linesize(i);
            long size = (format.pixels().lines(i, format.height()) - 1L) * stride
                    + format.pixels().lineBytes(i, format.width());
            MemorySegment given = PictureBuffers.plane(frame, i, size);
            MemorySegment plane = given == null ? Native.memory(frame.data(i), size) : given;
            planes.add(new Picture.Plane(plane.asReadOnly(), stride));
        }
        Picture picture = new Picture(format, planes);
        boolean key = (frame.flags() & KEY_FLAG) != 0;
        if (frame.decode_error_flags() == 0 && (frame.flags() & CORRUPT_FLAG) == 0)
            sink.picture(picture, frame.pts(), key);
        else
            sink.damaged(picture, frame.pts(), key);
    }

    /** @throws CodecException the stream says a size that is too large */
    static PictureFormat format(PixelFormat pixels, int width, int height) throws CodecException {
        if (width > PictureFormat.MOST || height > PictureFormat.MOST)
            throw new CodecException(
                    "the stream has pictures of %dx%d; sides have up to %d pixels".formatted(width, height,
                            PictureFormat.MOST));
        return new PictureFormat(pixels, width, height);
    }

    private static PixelFormat pixels(int format) throws CodecException {
        return switch (format) {
            case avutil.AV_PIX_FMT_YUV420P, avutil.AV_PIX_FMT_YUVJ420P -> PixelFormat.YU12;
            case avutil.AV_PIX_FMT_NV12 -> PixelFormat.NV12;
            case avutil.AV_PIX_FMT_GRAY8 -> PixelFormat.GREY;
            default -> throw new CodecException("the stream has pictures of a pixel format that is not supported: "
                    + avutil.av_get_pix_fmt_name(format).getString());
        };
    }

    @Override
    public void flush() {
        avcodec.avcodec_flush_buffers(context);
        told = null;
        sequence = 0;
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        avutil.av_frame_free(frame);
        avcodec.av_packet_free(packet);
        if (buffers != null) {
            buffers.free();
        } else {
            avcodec.avcodec_free_context(context);
        }
    }
}
