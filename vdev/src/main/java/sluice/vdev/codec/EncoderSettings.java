package sluice.vdev.codec;

/**
 * The settings of an encoder, fixed for its life.
 *
 * @param format of the pictures, which an engine may refuse
 * @param frameRate pictures per second
 * @param displayAspect width to height of the picture as shown, such as 4/3
 * @param bitsPerSecond mean rate, 1,000 to 1,000,000,000
 * @param peakBitsPerSecond highest rate, at least the mean; the same for a constant rate, which a transport fills up where pictures
 *        need less
 * @param bufferBits size of the decoder's buffer that the stream must not under- or overflow (VBV), 1 or more
 * @param pictureGroup the most pictures from one key picture to the next, in the order of decoding, 1 or more
 * @param betweenReferences B-pictures between two reference pictures, 0 to 16
 * @param leastQuantizer smallest quantizer, in the coding's own numbers: 1 to 31 of MPEG-2, 0 to 51 of H.264, 0 to 63 of VP8 and VP9
 * @param mostQuantizer largest, at least that; 0 for the library's own limits
 */
public record EncoderSettings(Coding coding, PictureFormat format, Ratio frameRate, Ratio displayAspect,
        long bitsPerSecond, long peakBitsPerSecond, int bufferBits, int pictureGroup, int betweenReferences,
        int leastQuantizer, int mostQuantizer) {
    /** Settings with the library's own largest quantizer. */
    public EncoderSettings(Coding coding, PictureFormat format, Ratio frameRate, Ratio displayAspect,
            long bitsPerSecond,
            long peakBitsPerSecond, int bufferBits, int pictureGroup, int betweenReferences, int leastQuantizer) {
        this(coding, format, frameRate, displayAspect, bitsPerSecond, peakBitsPerSecond, bufferBits, pictureGroup,
                betweenReferences, leastQuantizer, 0);
    }

    /** @throws IllegalArgumentException a value is out of range */
    public EncoderSettings {
        require(bitsPerSecond >= 1000 && bitsPerSecond <= 1_000_000_000, "bits per second", bitsPerSecond);
        require(peakBitsPerSecond >= bitsPerSecond && peakBitsPerSecond <= 1_000_000_000, "peak bits per second",
                peakBitsPerSecond);
        require(bufferBits > 0, "bits of the decoder's buffer", bufferBits);
        require(pictureGroup > 0, "pictures from key picture to key picture", pictureGroup);
        require(betweenReferences >= 0 && betweenReferences <= 16, "B-pictures in a row", betweenReferences);
        require(leastQuantizer >= 0 && leastQuantizer <= 63, "least quantizer", leastQuantizer);
        require(mostQuantizer == 0 || (mostQuantizer >= leastQuantizer && mostQuantizer <= 63), "most quantizer",
                mostQuantizer);
    }

    private static void require(boolean right, String what, long value) {
        if (!right) throw new IllegalArgumentException(what + ": " + value);
    }
}
