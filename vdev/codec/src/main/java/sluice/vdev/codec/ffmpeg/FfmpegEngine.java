package sluice.vdev.codec.ffmpeg;

import java.util.EnumSet;
import java.util.Set;

import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PictureMemory;

/** The engine. The library is loaded at the first use. */
public final class FfmpegEngine implements CodecEngine {
    @Override
    public String name() throws CodecException {
        load();
        return "libavcodec " + version(avcodec.avcodec_version());
    }

    private static String version(int number) {
        return "%d.%d.%d".formatted(number >>> 16, number >>> 8 & 0xff, number & 0xff);
    }

    @Override
    public Set<Coding> encodes() {
        return EnumSet.complementOf(EnumSet.of(Coding.HEVC));
    }

    @Override
    public Set<Coding> decodes() {
        return Set.of(Coding.values());
    }

    @Override
    public Encoder encoder(EncoderSettings settings) throws CodecException {
        load();
        String library = switch (settings.coding()) {
            case MPEG2 -> "mpeg2video";
            case H264 -> "libopenh264";
            case VP8 -> "libvpx";
            case VP9 -> "libvpx-vp9";
            case AV1 -> "libaom-av1";
            case MJPEG -> "mjpeg";
            case HEVC -> throw new CodecException("libavcodec was built without an encoder for HEVC");
        };
        return new FfmpegEncoder(found(avcodec.avcodec_find_encoder_by_name(library), library), settings);
    }

    @Override
    public Decoder decoder(Coding coding, @Nullable PictureMemory memory) throws CodecException {
        load();
        String library = switch (coding) {
            case MPEG2 -> "mpeg2video";
            case H264 -> "h264";
            case HEVC -> "hevc";
            case VP8 -> "vp8";
            case VP9 -> "vp9";
            case AV1 -> "libaom-av1"; // the library's own has no software
            case MJPEG -> "mjpeg";
        };
        return new FfmpegDecoder(found(avcodec.avcodec_find_decoder_by_name(library), library), coding, memory);
    }

    private static AVCodec found(AVCodec codec, String name) throws CodecException {
        if (codec == null || codec.isNull()) throw new CodecException("libavcodec was built without " + name);
        return codec;
    }

    private static void load() throws CodecException {
        try {
            Loader.load(avcodec.class);
            // Whatever a guest feeds to a decoder must not fill the log.
            avutil.av_log_set_level(avutil.AV_LOG_QUIET);
        } catch (LinkageError e) {
            throw new CodecException("libavcodec cannot be loaded on %s %s: %s".formatted(
                    System.getProperty("os.name"), System.getProperty("os.arch"), e.getMessage()), e);
        }
    }
}
