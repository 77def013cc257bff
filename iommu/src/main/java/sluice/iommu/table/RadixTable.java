package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

import sluice.iommu.PageSizes;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

/**
 * A radix tree for large sparse spaces: nodes of 512 entries for pages of 4 KiB, 2 MiB and 1 GiB, and a root sized for
 * the space.
 *
 * <p>A missing node is represented by a shared empty one, and a large page by nodes of one element, which an index
 * beyond the node's length selects. So a lookup descends four levels without checking the kind of a node, and branch
 * prediction hides the load of a node's length. Nodes are Java arrays; the garbage collector frees unreachable ones
 * that no reader uses.
 */
public final class RadixTable implements Table {
    /** Maximum address width. */
    public static final int MAX_BITS = 57;
    static final int FAN_OUT = 512;
    private static final int SMALL_SHIFT = 12;
    static final int MIDDLE_SHIFT = 21;
    static final int LARGE_SHIFT = 30;
    static final int ROOT_SHIFT = 39;

    // Three kinds of nodes, named by the size covered by an element.
    static final long[] NO_SMALL = { 0 };
    static final long[][] NO_MIDDLE = { NO_SMALL };
    static final long[][][] NO_LARGE = { NO_MIDDLE };

    private static final VarHandle ROOT;

    static {
        try {
            ROOT = MethodHandles.lookup().findVarHandle(RadixTable.class, "root", long[][][][].class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final int rootLength;
    private final RadixWriter writer;
    /** Replaced as a whole when everything is cleared. */
    private long[][][][] root;

    /**
     * @param bits width of an address, 12 to 57
     * @param sizes page sizes to use: 2 MiB and 1 GiB if included; 4 KiB always
     */
    public RadixTable(int bits, PageSizes sizes) {
        if (bits < SMALL_SHIFT || bits > MAX_BITS)
            throw new IllegalArgumentException("a radix table of " + bits + " bits; it may have 12 to 57");
        rootLength = 1 << Math.max(0, bits - ROOT_SHIFT);
        root = emptyRoot();
        writer = new RadixWriter(sizes.has(Entry.bytes(Entry.MIDDLE)), sizes.has(Entry.bytes(Entry.LARGE)));
    }

    private long[][][][] emptyRoot() {
        long[][][][] fresh = new long[rootLength][][][];
        Arrays.fill(fresh, NO_LARGE);
        return fresh;
    }

    private static long[] smallNode(long[][][][] top, long iova) {
        long[][][] larges = top[(int) (iova >>> ROOT_SHIFT)];
        int large = index(iova, LARGE_SHIFT);
        long[][] middles = large < larges.length ? larges[large] : larges[0];
        int middle = index(iova, MIDDLE_SHIFT);
        return middle < middles.length ? middles[middle] : middles[0];
    }

    /** Index in a node with elements of 2^shift bytes. */
    static int index(long iova, int shift) {
        return (int) (iova >>> shift) & (FAN_OUT - 1);
    }

    private static int smallIndex(long[] smalls, long iova) {
        int small = index(iova, SMALL_SHIFT);
        return small < smalls.length ? small : 0;
    }

    private static long smallEntry(long[] smalls, long iova) {
        int small = index(iova, SMALL_SHIFT);
        return small < smalls.length ? smalls[small] : smalls[0];
    }

    @Override
    public long entry(long iova) {
        long[][][][] top = root;
        if (iova >>> ROOT_SHIFT >= top.length) return 0;
        long[] smalls = smallNode(top, iova);
        return smallEntry(smalls, iova);
    }

    @Override
    public long target(long iova, long need) {
        long entry = entry(iova);
        return (entry & need) != 0 ? Entry.target(entry, iova) : Targets.NONE;
    }

    @Override
    public long walk(long iova, long length, long need, TargetRuns target) {
        long[][][][] top = root;
        if (iova >>> ROOT_SHIFT >= top.length) return 0;
        long[] smalls = smallNode(top, iova);
        long entry = smallEntry(smalls, iova);
        if ((entry & need) == 0) return 0;
        long runTarget = Entry.target(entry, iova);
        long runLength = toPageEnd(entry, iova);
        long done = 0; // bytes in earlier runs
        while (runLength < length - done) {
            long next = iova + done + runLength;
            // The node covers up to the next multiple of 2 MiB.
            if ((next & ((1L << MIDDLE_SHIFT) - 1)) == 0) {
                if (next >>> ROOT_SHIFT >= top.length) break;
                smalls = smallNode(top, next);
            }
            entry = smallEntry(smalls, next);
            if ((entry & need) == 0) break;
            long nextTarget = Entry.target(entry, next);
            if (nextTarget != runTarget + runLength) {
                target.add(runTarget, runLength);
                done += runLength;
                runTarget = nextTarget;
                runLength = 0;
            }
            runLength += toPageEnd(entry, next);
        }
        runLength = Math.min(runLength, length - done);
        target.add(runTarget, runLength);
        return done + runLength;
    }

    private static long toPageEnd(long entry, long iova) {
        long bytes = Entry.bytes(Entry.sizeOf(entry));
        return bytes - (iova & (bytes - 1));
    }

    @Override
    public boolean map(long iova, TargetRuns runs, int firstRun, int endRun, long flags, long mostBytes) {
        writer.begin(root);
        long at = iova;
        for (int run = firstRun; run < endRun; run++) {
            if (!writer.map(at, runs.target(run), runs.length(run), flags, mostBytes)) return false;
            at += runs.length(run);
        }
        return true;
    }

    @Override
    public void clear(long first, long last, long gapFirst, long gapLast) {
        writer.begin(root);
        writer.breakUpEdges(first, last);
        writer.clear(first, last, gapFirst, gapLast);
    }

    /** Clears all entries at constant cost. */
    public void clearAll() {
        ROOT.setRelease(this, emptyRoot());
        writer.forgetAll();
    }

    /** Current heap bytes of the entries, without the root. For the writing thread. */
    public long bytes() {
        return writer.bytes();
    }

    @Override
    public void change(long first, long last, long takeBits, long giveBits) {
        long at = first;
        while (true) {
            long[] smalls = smallNode(root, at);
            int index = smallIndex(smalls, at);
            Entries.change(smalls, index, takeBits, giveBits);
            long end = at | (nodeElementBytes(at, smalls) - 1);
            if (Long.compareUnsigned(end, last) >= 0) return;
            at = end + 1;
        }
    }

    /** Bytes covered by one element at {@code iova}, given its small node {@code smalls}. */
    private long nodeElementBytes(long iova, long[] smalls) {
        if (smalls.length > 1) return 1L << SMALL_SHIFT;
        long[][][] larges = root[(int) (iova >>> ROOT_SHIFT)];
        if (larges.length == 1) return 1L << ROOT_SHIFT;
        return larges[index(iova, LARGE_SHIFT)].length == 1
                ? 1L << LARGE_SHIFT
                : 1L << MIDDLE_SHIFT;
    }

    @Override
    public boolean give(long iova, long expected, long bits) {
        long[][][][] top = root;
        if (iova >>> ROOT_SHIFT >= top.length) return false;
        long[] smalls = smallNode(top, iova);
        return expected != 0 && Entries.replace(smalls, smallIndex(smalls, iova), expected,
                Entry.settled(expected | bits));
    }

    @Override
    public void dirty(long first, long last, boolean clear, PageConsumer consumer) {
        long at = first;
        while (true) {
            long[] smalls = smallNode(root, at);
            int index = smallIndex(smalls, at);
            long bytes = nodeElementBytes(at, smalls);
            if ((smalls[index] & Entry.DIRTY) != 0) {
                if (clear) Entries.change(smalls, index, Entry.DIRTY, 0);
                consumer.accept(at & -bytes, bytes);
            }
            long end = at | (bytes - 1);
            if (Long.compareUnsigned(end, last) >= 0) return;
            at = end + 1;
        }
    }

    @Override
    public long room() {
        long room = root.length;
        for (long[][][] larges : root) {
            if (larges.length == 1) continue;
            room += FAN_OUT;
            for (long[][] middles : larges) {
                if (middles.length == 1) continue;
                room += FAN_OUT;
                for (long[] smalls : middles) {
                    if (smalls.length > 1) room += FAN_OUT;
                }
            }
        }
        return room;
    }
}
