package sluice.vdev.media;

import java.util.List;

import org.jspecify.annotations.Nullable;

/** The formats of decoded pictures: 4:2:0 with 8 bits a sample. */
enum RawFormat {
    /** Planar, in one piece. */
    YU12("YU12", "Planar YUV 4:2:0", 1, false),
    /** Chroma interleaved, in one piece. */
    NV12("NV12", "Y/UV 4:2:0", 1, true),
    /** Planar, in three pieces. */
    YM12("YM12", "Planar YUV 4:2:0 (N-C)", 3, false),
    /** Chroma interleaved, in two pieces. */
    NM12("NM12", "Y/UV 4:2:0 (N-C)", 2, true);

    /** In the order in which they are offered. */
    static final List<RawFormat> ALL = List.of(values());

    private final int fourcc;
    private final String label;
    private final int planes;
    private final boolean interleaved;

    RawFormat(String four, String label, int planes, boolean interleaved) {
        fourcc = V4l2.fourcc(four);
        this.label = label;
        this.planes = planes;
        this.interleaved = interleaved;
    }

    static @Nullable RawFormat ofFourcc(int fourcc) {
        for (RawFormat format : ALL) {
            if (format.fourcc == fourcc) return format;
        }
        return null;
    }

    int fourcc() {
        return fourcc;
    }

    /** As Linux describes it. */
    String label() {
        return label;
    }

    /** Pieces of memory of a buffer. */
    int planes() {
        return planes;
    }

    /** Whether Cb and Cr alternate in one plane. */
    boolean interleaved() {
        return interleaved;
    }
}
