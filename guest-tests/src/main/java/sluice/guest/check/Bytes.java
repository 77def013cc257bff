package sluice.guest.check;

/**
 * What user space found in the buffers that the driver gave it, packet by packet.
 *
 * @param frames buffers that the driver gave back
 * @param failed of those, the ones that it called failed
 * @param rightFrames of those, the ones with the right bytes all over
 * @param right packets that are the newest
 * @param old packets of an earlier buffer: what the device wrote did not arrive, and what it had written before is there
 * @param wiped packets with what the program had put there: what the device wrote did not arrive
 * @param other packets that are none of these, such as torn ones
 */
record Bytes(int frames, int failed, int rightFrames, long right, long old, long wiped, long other) {
    /** Whether all of them were right. */
    boolean areRight() {
        return frames > 0 && failed == 0 && rightFrames == frames && old + wiped + other == 0;
    }

    /** In a clause. */
    String sentence() {
        return "%d of %d buffers right%s; packets: %d right, %d old, %d not written, %d broken".formatted(rightFrames,
                frames, failed == 0 ? "" : ", %d failed".formatted(failed), right, old, wiped, other);
    }
}
