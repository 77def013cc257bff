package sluice.vdev.codec;

/** A format of coded video. */
public enum Coding {
    /** MPEG-2 video, ISO/IEC 13818-2. */
    MPEG2("MPEG-2"),
    /** H.264, ISO/IEC 14496-10, as a byte stream of Annex B. */
    H264("H.264");

    private final String label;

    Coding(String label) {
        this.label = label;
    }

    @Override
    public String toString() {
        return label;
    }
}
