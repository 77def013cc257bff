package sluice.dmacore.ownership;

import sluice.dmacore.memory.Runs;

/**
 * Performs cache operations on lines of a buffer, and provides the memory that non-snooping devices see. Called with
 * the buffer's lock held; must not block.
 */
public interface CacheExecutor {
    /** Performs nothing; operations are only counted. */
    CacheExecutor NONE = new CacheExecutor() {
        @Override
        public void writeBack(Lines lines, int first, int end, Harm harm) {
            // counted by the gate
        }

        @Override
        public void invalidate(Lines lines, int first, int end, Harm harm) {
            // counted by the gate
        }
    };

    /**
     * Writes lines {@code first} to {@code end} − 1 back to memory.
     *
     * @param harm receives the bytes of a device that this destroys
     */
    void writeBack(Lines lines, int first, int end, Harm harm);

    /** Whether it can invalidate; otherwise non-snooping devices may only read. */
    default boolean invalidates() {
        return true;
    }

    /**
     * Invalidates these lines in the CPU's caches.
     *
     * @param harm receives the bytes of the CPU, or of a snooping device, that this destroys
     */
    void invalidate(Lines lines, int first, int end, Harm harm);

    /** The memory of a buffer as non-snooping devices see it; the same runs each time, in buffer order. */
    default Runs deviceMemory(Lines lines) {
        return lines.runs();
    }

    /**
     * A non-snooping device is about to read or write the harm's range, which is in these lines.
     *
     * @param harm receives bytes read that are newer in the caches
     */
    default void deviceAccess(Lines lines, int first, int end, boolean write, Harm harm) {}

    /**
     * The CPU, between begin and end, or a snooping device is about to read or write the harm's range.
     *
     * @param harm receives bytes read that are newer in memory
     */
    default void cacheAccess(Lines lines, int first, int end, boolean write, Harm harm) {}

    /**
     * Lines are transferred back from a device without a cache operation: the CPU must not have written them.
     *
     * @param harm receives the bytes that it has written
     */
    default void returned(Lines lines, int first, int end, Harm harm) {}

    /**
     * Lines already owned by the CPU are transferred to it again: real hardware would drop them from the caches. No
     * operation.
     *
     * @param harm receives the bytes that would be lost
     */
    default void wouldLose(Lines lines, int first, int end, Harm harm) {}

    /** Whether caches and memory are modelled, so that {@link #isUnfetched} is exact. */
    default boolean plays() {
        return false;
    }

    /** Whether memory has bytes of the harm's range written by a device and neither fetched nor overwritten. */
    default boolean isUnfetched(Lines lines, int first, int end, Harm harm) {
        return false;
    }

    /**
     * Finds all such bytes of whole lines.
     *
     * @param harm gets them
     */
    default void unfetched(Lines lines, int first, int end, Harm harm) {}

    /**
     * One more non-snooping device joins these lines. {@link #deviceMemory} is only called after this.
     *
     * @throws java.io.UncheckedIOException if memory is exhausted; nothing is changed then
     */
    default void covered(Lines lines) {}

    /** One such device leaves these lines. */
    default void uncovered(Lines lines) {}
}
