package sluice.iommu.table;

import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

/**
 * A table of entries. Reading methods may be called by any thread at any time, writing ones by one thread at a time.
 *
 * <p>Ranges are given by their first and their last byte, begin at a page and end before one, and lie within what the
 * table covers.
 */
public sealed interface Table permits FlatTable, RadixTable {
    /** The entry that covers {@code iova}, or 0. */
    long entry(long iova);

    /**
     * What one address translates to.
     *
     * @param need a bit of {@link Entry} that the entry must have
     * @return {@link Targets#NONE} if the entry has it not, is absent, or {@code iova} is outside of the table
     */
    long target(long iova, long need);

    /**
     * Appends to {@code target} what {@code length} bytes at {@code iova} translate to, up to the first page that has
     * not {@code need}.
     *
     * @param length in bytes, at least 1; the range does not pass 2^64
     * @return the bytes that were appended, from 0 to {@code length}
     */
    long walk(long iova, long length, long need, TargetRuns target);

    /**
     * Writes entries from {@code iova} on. Nothing is present there.
     *
     * @param firstRun index of the first of {@code runs} to write
     * @param endRun index after the last
     * @param flags as {@link Entry#flags} makes them, with whatever bits are wanted
     * @param mostBytes what a table that grows with its entries may grow to, to within some 12 KiB
     * @return false if it would have grown beyond; some entries may be written, and nodes for them
     */
    boolean map(long iova, TargetRuns runs, int firstRun, int endRun, long flags, long mostBytes);

    /**
     * Clears the entries of a range. A large page of which only a part is in it is broken up first.
     *
     * @param gapFirst together with {@code gapLast} what is empty afterwards, at least the range itself: nodes in there
     *            are given back
     */
    void clear(long first, long last, long gapFirst, long gapLast);

    /**
     * Takes bits from the entries of a range, gives bits to them, and settles them. A large page of which only a part is in
     * the range is changed as a whole.
     */
    void change(long first, long last, long takeBits, long giveBits);

    /**
     * Gives bits to the entry that covers {@code iova} if it still is {@code expected}, and that is not 0.
     *
     * @return whether it was
     */
    boolean give(long iova, long expected, long bits);

    /**
     * Tells the dirty pages of a range, each once. A large page of which only a part is in the range is told as a whole.
     *
     * @param clear whether they are clean afterwards
     */
    void dirty(long first, long last, boolean clear, PageConsumer consumer);

    /** Entries the table has room for at the moment, for whoever looks for memory that was not given back. */
    long room();
}
