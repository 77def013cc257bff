package sluice.vdev.media;

/**
 * How samples are to be read as colors. A decoder copies them from the coded format to the raw one; values that V4L2 does
 * not define become the defaults.
 */
record Colors(int colorspace, int encoding, int quantization, int transfer) {
    private static final int REC709 = 3;
    static final Colors DEFAULT = new Colors(REC709, 0, 0, 0);

    Colors {
        if (colorspace < 1 || colorspace > 12) colorspace = REC709;
        if (encoding < 0 || encoding > 8) encoding = 0;
        if (quantization < 0 || quantization > 2) quantization = 0;
        if (transfer < 0 || transfer > 7) transfer = 0;
    }

    /** Of a format as a client gives it. */
    static Colors of(Struct.Format format) {
        return new Colors(format.colorspace(), format.ycbcrEncoding(), format.quantization(), format.transfer());
    }
}
