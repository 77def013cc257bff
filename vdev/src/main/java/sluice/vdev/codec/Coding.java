package sluice.vdev.codec;

/** A format of coded video. */
public enum Coding {
    /** MPEG-2 video, ISO/IEC 13818-2. */
    MPEG2("MPEG-2", 2),
    /** H.264, ISO/IEC 14496-10, as a byte stream of Annex B. */
    H264("H.264", 16),
    /** H.265, ISO/IEC 23008-2, as a byte stream of Annex B. */
    HEVC("HEVC", 15),
    /** VP8, RFC 6386: one frame a unit. */
    VP8("VP8", 4),
    /** VP9: a frame or superframe a unit. */
    VP9("VP9", 9),
    /** AV1: a temporal unit of open bitstream units. */
    AV1("AV1", 8),
    /** Motion JPEG: a picture of ISO/IEC 10918-1 a unit. */
    MJPEG("Motion-JPEG", 0);

    private final String label;
    private final int references;

    Coding(String label, int references) {
        this.label = label;
        this.references = references;
    }

    /** The most pictures that a decoder keeps as references. */
    public int references() {
        return references;
    }

    @Override
    public String toString() {
        return label;
    }
}
