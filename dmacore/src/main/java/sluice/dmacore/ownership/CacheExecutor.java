package sluice.dmacore.ownership;

import sluice.dmacore.memory.Runs;

/**
 * Performs cache operations on lines of a buffer, and knows what a device that does not snoop sees of them. Called with the
 * buffer's lock held; must not wait for anybody.
 */
public interface CacheExecutor {
    /** Performs nothing: for where all that counts is what would have been done. */
    CacheExecutor NONE = new CacheExecutor() {
        @Override
        public void writeBack(Lines lines, int first, int end) {
            // counted by the gate
        }

        @Override
        public void invalidate(Lines lines, int first, int end, boolean afterDevice) {
            // counted by the gate
        }
    };

    /** What the CPU wrote to lines {@code first} to {@code end} − 1 goes to memory. */
    void writeBack(Lines lines, int first, int end);

    /** Whether it can invalidate at all; otherwise devices that do not snoop may only read. */
    default boolean invalidates() {
        return true;
    }

    /**
     * What the CPU's caches hold of these lines is dropped.
     *
     * @param afterDevice whether a device has had them until now; otherwise one is about to
     */
    void invalidate(Lines lines, int first, int end, boolean afterDevice);

    /** The memory of a buffer as devices see it that do not snoop; the same runs each time, in the order of the buffer. */
    default Runs deviceMemory(Lines lines) {
        return lines.runs();
    }

    /** A device that does not snoop is about to read or write lines. */
    default void deviceAccess(Lines lines, int first, int end, boolean write) {}

    /** Lines come back from a device, and nothing is to be done about them: the CPU should not have written them. */
    default void returned(Lines lines, int first, int end) {}

    /**
     * A device's mapping ends that includes lines which the CPU has had for longer: on real hardware they are dropped from the
     * caches. Nothing is done.
     *
     * @return whether the CPU's writes would be lost
     */
    default boolean wouldLose(Lines lines, int first, int end) {
        return false;
    }

    /** One more device that does not snoop has a part in these lines. Before it has, {@link #deviceMemory} is not asked. */
    default void covered(Lines lines) {}

    /** One such device less. */
    default void uncovered(Lines lines) {}
}
