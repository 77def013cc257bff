package sluice.vdev.media;

/**
 * What clients say of units and get back with their pictures, besides the timestamp by which it is found: the flags of a time's
 * source and the timecode (linux/videodev2.h, V4L2_BUF_FLAG_TIMESTAMP_COPY; v4l2_m2m_buf_copy_metadata of Linux). Used on the
 * device's loop.
 */
final class UnitMarks {
    /** Units that a decoder has not made pictures of: no coding reorders more. */
    private static final int KEPT = 64;

    private final long[] times = new long[KEPT];
    private final int[] flags = new int[KEPT];
    private final long[] timecodes = new long[2 * KEPT];
    private int next;
    private int count;

    /** A unit is decoded. */
    void keep(MediaBuffer unit) {
        times[next] = unit.timestamp();
        flags[next] = unit.marks();
        timecodes[2 * next] = unit.timecode(0);
        timecodes[2 * next + 1] = unit.timecode(1);
        next = (next + 1) % KEPT;
        count = Math.min(KEPT, count + 1);
    }

    /** Marks a picture as the last unit of its time was. */
    void mark(MediaBuffer picture) {
        for (int i = 1; i <= count; i++) {
            int at = Math.floorMod(next - i, KEPT);
            if (times[at] != picture.timestamp()) continue;
            picture.setMarks(flags[at], timecodes[2 * at], timecodes[2 * at + 1]);
            return;
        }
        picture.setMarks(0, 0, 0);
    }
}
