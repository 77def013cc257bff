package sluice.vdev.media;

import java.util.List;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.PictureMemory;
import sluice.vdev.codec.plain.PlainDecoder;

/**
 * A format of coded video that a decoder offers.
 *
 * @param fourcc of V4L2
 * @param label as Linux describes it
 * @param end how a stream says that it ends
 * @param opener makes decoders
 */
public record CodedFormat(int fourcc, String label, EndMark end, Opener opener) {
    /** Makes decoders; on a worker. */
    @FunctionalInterface
    public interface Opener {
        /**
         * Makes one, whose pictures may be in {@code memory}.
         *
         * @throws CodecException the library cannot be loaded
         */
        Decoder open(PictureMemory memory) throws CodecException;
    }

    /** Smallest and largest OUTPUT buffer. */
    static final int LEAST_BYTES = 4096;
    static final int MOST_BYTES = 32 << 20;
    private static final int USUAL_BYTES = 1 << 20;

    /** What an engine decodes. */
    public static CodedFormat of(Coding coding, CodecEngine engine) {
        return switch (coding) {
            case MPEG2 -> of(coding, engine, "MPG2", "MPEG-2 ES");
            case H264 -> of(coding, engine, "H264", "H.264");
            case HEVC -> of(coding, engine, "HEVC", "HEVC");
            case VP8 -> of(coding, engine, "VP80", "VP8");
            case VP9 -> of(coding, engine, "VP90", "VP9");
            case AV1 -> of(coding, engine, "AV01", "AV1");
            case MJPEG -> of(coding, engine, "MJPG", "Motion-JPEG");
        };
    }

    private static CodedFormat of(Coding coding, CodecEngine engine, String four, String label) {
        EndMark end = switch (coding) {
            case H264 -> EndMark.H264;
            case HEVC -> EndMark.HEVC;
            default -> EndMark.NONE;
        };
        return new CodedFormat(V4l2.fourcc(four), label, end, memory -> engine.decoder(coding, memory));
    }

    /** Sluice's own coding for tests, which needs no library. */
    public static CodedFormat plain() {
        return new CodedFormat(V4l2.fourcc("SLPL"), "Sluice's test coding", EndMark.PLAIN, PlainDecoder::new);
    }

    /** The format of a number, or the first. */
    static CodedFormat ofFourcc(List<CodedFormat> all, int fourcc) {
        for (CodedFormat format : all) {
            if (format.fourcc == fourcc) return format;
        }
        return all.getFirst();
    }

    /**
     * The size of OUTPUT buffers for pictures of this size.
     *
     * @param wanted by the client, unsigned; 0 for none
     */
    static int sizeImage(int wanted, int width, int height) {
        if (wanted == 0) return Math.min(MOST_BYTES, Math.max(USUAL_BYTES, width * height / 2));
        if (wanted < 0) return MOST_BYTES;
        return Math.clamp(wanted, LEAST_BYTES, MOST_BYTES);
    }
}
