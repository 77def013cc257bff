package sluice.vdev.codec.ffmpeg;

import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;

/** An encoder of libavcodec, which works in the caller's thread only. */
final class FfmpegEncoder implements Encoder {
    /** At this threshold a new scene is no key picture, so that groups of pictures have the length asked for. */
    private static final String NO_SCENE_CHANGES = "1000000000";
    /** More pictures than an encoder keeps; a power of two. */
    private static final int KEPT = 64;

    private final PictureFormat format;
    private final AVCodecContext context;
    private final AVFrame frame;
    private final AVPacket packet;
    private final Native[] planes = { new Native(), new Native(), new Native() };
    /** Times of pictures, by their number: to the library, time is the number. */
    private final long[] times = new long[KEPT];
    private long next;
    private boolean closed;

    FfmpegEncoder(AVCodec codec, EncoderSettings settings) throws CodecException {
        format = settings.format();
        if (format.pixels() != PixelFormat.YU12)
            throw new CodecException("libavcodec encodes pictures of YU12 here, not of " + format.pixels());
        context = avcodec.avcodec_alloc_context3(codec);
        frame = avutil.av_frame_alloc();
        packet = avcodec.av_packet_alloc();
        boolean done = false;
        try {
            set(settings);
            if (settings.betweenReferences() > 0 && settings.coding() != Coding.MPEG2)
                throw new CodecException("%s makes no B-pictures, and %d in a row are asked for"
                        .formatted(codec.name().getString(), settings.betweenReferences()));
            switch (settings.coding()) {
                case MPEG2 -> setMpeg2(settings);
                case H264 -> setH264(settings);
                case VP8, VP9 -> setVpx(settings);
                case AV1 -> setAv1();
                case MJPEG -> context.pix_fmt(avutil.AV_PIX_FMT_YUVJ420P).color_range(avutil.AVCOL_RANGE_JPEG);
                case HEVC -> throw new CodecException("libavcodec was built without an encoder for HEVC");
            }
            Native.open(context, codec, "encode %s of %s at %d bits per second".formatted(settings.coding(), format,
                    settings.bitsPerSecond()));
            done = true;
        } finally {
            if (!done) close();
        }
    }

    private void set(EncoderSettings settings) {
        Ratio rate = settings.frameRate();
        Ratio shown = settings.displayAspect();
        context.width(format.width()).height(format.height()).pix_fmt(avutil.AV_PIX_FMT_YUV420P).thread_count(1);
        try (AVRational value = new AVRational()) {
            context.framerate(value.num(rate.numerator()).den(rate.denominator()));
            context.time_base(value.num(rate.denominator()).den(rate.numerator()));
            context.sample_aspect_ratio(value.num(shown.numerator() * format.height())
                    .den(shown.denominator() * format.width()));
        }
        context.bit_rate(settings.bitsPerSecond()).rc_max_rate(settings.peakBitsPerSecond())
                .rc_buffer_size(settings.bufferBits());
        context.gop_size(settings.pictureGroup()).max_b_frames(settings.betweenReferences());
    }

    private void setMpeg2(EncoderSettings settings) throws CodecException {
        context.qmin(settings.leastQuantizer());
        if (settings.mostQuantizer() > 0) context.qmax(settings.mostQuantizer());
        option("mpv_flags", "+strict_gop");
        option("sc_threshold", NO_SCENE_CHANGES);
    }

    private void setH264(EncoderSettings settings) throws CodecException {
        limit(settings);
        option("rc_mode", "bitrate");
        option("allow_skip_frames", "0");
    }

    private void limit(EncoderSettings settings) {
        if (settings.mostQuantizer() > 0) context.qmin(settings.leastQuantizer()).qmax(settings.mostQuantizer());
    }

    /** Each picture is a packet, made at once. */
    private void setVpx(EncoderSettings settings) throws CodecException {
        limit(settings);
        option("deadline", "realtime");
        // For VP8, a negative speed is a fixed one; a positive one depends on the time that encoding takes.
        option("cpu-used", settings.coding() == Coding.VP8 ? "-8" : "8");
        option("lag-in-frames", "0");
        option("auto-alt-ref", "0");
    }

    private void setAv1() throws CodecException {
        option("usage", "realtime");
        option("cpu-used", "8");
        option("lag-in-frames", "0");
    }

    private void option(String name, String value) throws CodecException {
        Native.check(avutil.av_opt_set(context.priv_data(), name, value, 0), "set %s to %s".formatted(name, value));
    }

    @Override
    public void encode(Picture picture, long time, boolean key, PacketSink sink) throws CodecException {
        if (!picture.format().equals(format))
            throw new IllegalArgumentException(
                    "a picture of %s for an encoder of %s".formatted(picture.format(), format));
        frame.format(context.pix_fmt()).width(format.width()).height(format.height());
        for (int i = 0; i < planes.length; i++) {
            Picture.Plane plane = picture.planes().get(i);
            frame.data(i, planes[i].to(plane.bytes())).linesize(i, plane.stride());
        }
        frame.pict_type(key ? avutil.AV_PICTURE_TYPE_I : avutil.AV_PICTURE_TYPE_NONE);
        frame.pts(next);
        times[(int) next & KEPT - 1] = time;
        next++;
        // The frame has no reference counts, so the library copies what it keeps.
        send(frame, sink);
    }

    @Override
    public void drain(PacketSink sink) throws CodecException {
        send(null, sink);
    }

    private void send(@Nullable AVFrame what, PacketSink sink) throws CodecException {
        if (closed) throw new IllegalStateException("the encoder is closed");
        Native.check(avcodec.avcodec_send_frame(context, what), "encode a picture");
        for (;;) {
            int result = avcodec.avcodec_receive_packet(context, packet);
            if (Native.isNothing(result)) return;
            Native.check(result, "encode a picture");
            try {
                sink.packet(Native.memory(packet.data(), packet.size()), times[(int) packet.pts() & KEPT - 1],
                        (packet.flags() & avcodec.AV_PKT_FLAG_KEY) != 0);
            } finally {
                avcodec.av_packet_unref(packet);
            }
        }
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        avcodec.av_packet_free(packet);
        avutil.av_frame_free(frame);
        avcodec.avcodec_free_context(context);
    }
}
