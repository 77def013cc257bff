package sluice.iommu.table;

import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

/**
 * A table of entries. Reading methods may be called by any thread at any time, writing ones by one thread at a time.
 *
 * <p>Ranges are given by first and last byte, are page-aligned, and are within the table.
 */
public sealed interface Table permits FlatTable, RadixTable {
    /** The entry that covers {@code iova}, or 0. */
    long entry(long iova);

    /**
     * The target of one address.
     *
     * @param need a bit of {@link Entry} that the entry must have
     * @return {@link Targets#NONE} if the entry lacks the bit, is absent, or {@code iova} is outside the table
     */
    long target(long iova, long need);

    /**
     * Appends the targets of {@code length} bytes at {@code iova} to {@code target}, up to the first page without
     * {@code need}.
     *
     * @param length in bytes, at least 1; the range does not pass 2^64
     * @return the bytes appended, from 0 to {@code length}
     */
    long walk(long iova, long length, long need, TargetRuns target);

    /**
     * Writes entries beginning at {@code iova}, where no entry is present.
     *
     * @param firstRun index of the first of {@code runs} to write
     * @param endRun index after the last
     * @param flags result of {@link Entry#flags}, possibly with further bits
     * @param mostBytes limit of a growing table in bytes, to within about 12 KiB
     * @return false if it would exceed the limit; some entries and nodes may have been written
     */
    boolean map(long iova, TargetRuns runs, int firstRun, int endRun, long flags, long mostBytes);

    /**
     * Clears the entries of a range. A large page that is only partly in it is split first.
     *
     * @param gapFirst with {@code gapLast} the range that is empty afterwards, at least the cleared range: nodes in it
     * are freed
     */
    void clear(long first, long last, long gapFirst, long gapLast);

    /**
     * Clears and sets bits of the entries of a range, and settles them. A large page that is only partly in the range
     * is changed as a whole.
     */
    void change(long first, long last, long takeBits, long giveBits);

    /**
     * Sets bits of the entry of {@code iova} if it still equals {@code expected}, which is not 0.
     *
     * @return whether it was
     */
    boolean give(long iova, long expected, long bits);

    /**
     * Reports the dirty pages of a range, each once. A large page that is only partly in the range is reported as a
     * whole.
     *
     * @param clear whether they are clean afterwards
     */
    void dirty(long first, long last, boolean clear, PageConsumer consumer);

    /** The current capacity in entries, for leak checks. */
    long room();
}
