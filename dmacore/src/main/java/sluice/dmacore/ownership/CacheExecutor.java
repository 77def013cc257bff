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
        public void writeBack(Lines lines, int first, int end, Harm harm) {
            // counted by the gate
        }

        @Override
        public void invalidate(Lines lines, int first, int end, Harm harm) {
            // counted by the gate
        }
    };

    /**
     * What the CPU wrote to lines {@code first} to {@code end} − 1 goes to memory.
     *
     * @param harm gets the bytes of a device that this destroys
     */
    void writeBack(Lines lines, int first, int end, Harm harm);

    /** Whether it can invalidate at all; otherwise devices that do not snoop may only read. */
    default boolean invalidates() {
        return true;
    }

    /**
     * What the CPU's caches hold of these lines is dropped.
     *
     * @param harm gets the bytes of the CPU, or of a device that snoops, that this destroys
     */
    void invalidate(Lines lines, int first, int end, Harm harm);

    /** The memory of a buffer as devices see it that do not snoop; the same runs each time, in the order of the buffer. */
    default Runs deviceMemory(Lines lines) {
        return lines.runs();
    }

    /**
     * A device that does not snoop is about to read or write the harm's range, which is in these lines.
     *
     * @param harm gets bytes that it reads, and that are newer in the caches
     */
    default void deviceAccess(Lines lines, int first, int end, boolean write, Harm harm) {}

    /**
     * The CPU, which tells, or a device that snoops is about to read or write the harm's range.
     *
     * @param harm gets bytes that it reads, and that are newer in memory
     */
    default void cacheAccess(Lines lines, int first, int end, boolean write, Harm harm) {}

    /**
     * Lines come back from a device, and nothing is to be done about them: the CPU should not have written them.
     *
     * @param harm gets the bytes that it has written
     */
    default void returned(Lines lines, int first, int end, Harm harm) {}

    /**
     * Lines that the CPU has had for longer are taken back once more: on real hardware they are dropped from the caches. Nothing
     * is done.
     *
     * @param harm gets the bytes that would be lost
     */
    default void wouldLose(Lines lines, int first, int end, Harm harm) {}

    /** Whether caches and memory are played, so that {@link #isUnfetched} knows each byte. */
    default boolean plays() {
        return false;
    }

    /** Whether memory holds bytes of the harm's range that a device wrote, and nobody has fetched or overwritten. */
    default boolean isUnfetched(Lines lines, int first, int end, Harm harm) {
        return false;
    }

    /**
     * Looks for all such bytes of whole lines.
     *
     * @param harm gets them
     */
    default void unfetched(Lines lines, int first, int end, Harm harm) {}

    /**
     * One more device that does not snoop has a part in these lines. Before it has, {@link #deviceMemory} is not asked.
     *
     * @throws java.io.UncheckedIOException if there is no memory for it; nothing is changed then
     */
    default void covered(Lines lines) {}

    /** One such device less. */
    default void uncovered(Lines lines) {}
}
