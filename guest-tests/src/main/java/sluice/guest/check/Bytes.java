package sluice.guest.check;

/**
 * The content of the dequeued buffers as seen by user space, packet by packet.
 *
 * @param frames dequeued buffers
 * @param failed of those, the ones with the error flag
 * @param rightFrames of those, the ones with only right bytes
 * @param right packets with the newest data
 * @param old packets of an earlier buffer: stale, the device's writes did not arrive
 * @param wiped packets with the program's fill pattern: the device's writes did not arrive
 * @param other all other packets, such as torn ones
 */
record Bytes(int frames, int failed, int rightFrames, long right, long old, long wiped, long other) {
    /** Whether all were right. */
    boolean areRight() {
        return frames > 0 && failed == 0 && rightFrames == frames && old + wiped + other == 0;
    }

    /** As a clause. */
    String sentence() {
        return "%d of %d buffers right%s; packets: %d right, %d old, %d not written, %d broken".formatted(rightFrames,
                frames, failed == 0 ? "" : ", %d failed".formatted(failed), right, old, wiped, other);
    }
}
