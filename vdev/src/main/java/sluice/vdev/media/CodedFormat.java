package sluice.vdev.media;

import java.util.List;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.plain.PlainDecoder;

/**
 * A format of coded video that a decoder offers.
 *
 * @param fourcc of V4L2
 * @param label as Linux describes it
 * @param opener makes decoders
 */
public record CodedFormat(int fourcc, String label, Opener opener) {
    /** Makes decoders; on a worker. */
    @FunctionalInterface
    public interface Opener {
        /** @throws CodecException the library cannot be loaded */
        Decoder open() throws CodecException;
    }

    /** Smallest and largest OUTPUT buffer. */
    static final int LEAST_BYTES = 4096;
    static final int MOST_BYTES = 32 << 20;
    private static final int USUAL_BYTES = 1 << 20;

    /** What an engine decodes. */
    public static CodedFormat of(Coding coding, CodecEngine engine) {
        return switch (coding) {
            case MPEG2 -> new CodedFormat(V4l2.fourcc("MPG2"), "MPEG-2 ES", () -> engine.decoder(coding));
            case H264 -> new CodedFormat(V4l2.fourcc("H264"), "H.264", () -> engine.decoder(coding));
        };
    }

    /** Sluice's own coding for tests, which needs no library. */
    public static CodedFormat plain() {
        return new CodedFormat(V4l2.fourcc("SLPL"), "Sluice's test coding", PlainDecoder::new);
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
