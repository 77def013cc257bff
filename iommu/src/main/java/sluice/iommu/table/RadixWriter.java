package sluice.iommu.table;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

import static sluice.iommu.Targets.PAGE_SHIFT;
import static sluice.iommu.Targets.PAGE_SIZE;
import static sluice.iommu.table.RadixTable.FAN_OUT;
import static sluice.iommu.table.RadixTable.LARGE_SHIFT;
import static sluice.iommu.table.RadixTable.MIDDLE_SHIFT;
import static sluice.iommu.table.RadixTable.NO_LARGE;
import static sluice.iommu.table.RadixTable.NO_MIDDLE;
import static sluice.iommu.table.RadixTable.NO_SMALL;
import static sluice.iommu.table.RadixTable.ROOT_SHIFT;
import static sluice.iommu.table.RadixTable.index;

/**
 * Builds, splits and frees the nodes of a {@link RadixTable}. A node is complete before it is published, and a node of
 * one element is never written but replaced.
 */
@SuppressWarnings("ReferenceEquality") // the shared empty nodes are known by their identity
final class RadixWriter {
    private static final VarHandle LARGES = MethodHandles.arrayElementVarHandle(long[][][][].class);
    private static final VarHandle MIDDLES = MethodHandles.arrayElementVarHandle(long[][][].class);
    private static final VarHandle SMALLS = MethodHandles.arrayElementVarHandle(long[][].class);
    private static final long MIDDLE_BYTES = 1L << MIDDLE_SHIFT;
    private static final long LARGE_BYTES = 1L << LARGE_SHIFT;

    /** Size of a node in bytes, counting references as large as entries; a large page is a node of its own. */
    private static final long NODE_BYTES = FAN_OUT * (long) Long.BYTES;
    private static final long MIDDLE_NODE_BYTES = 24;
    private static final long LARGE_NODE_BYTES = 48;
    /** One step of a map allocates at most three nodes, and not both kinds of large page. */
    private static final long STEP_BYTES = 3 * NODE_BYTES + LARGE_NODE_BYTES;

    private final boolean middlePages;
    private final boolean largePages;
    private long[][][][] root = {};
    private long bytes;
    /** The small node used last and its address: scattered pages are mapped one by one, but close together. */
    private long[] lastSmalls = NO_SMALL;
    private long lastBegin;

    RadixWriter(boolean middlePages, boolean largePages) {
        this.middlePages = middlePages;
        this.largePages = largePages;
    }

    /** Begins a series of changes below {@code root}. */
    void begin(long[][][][] top) {
        Entries.begin();
        root = top;
        lastSmalls = NO_SMALL;
    }

    /** Bytes of the nodes below the root. */
    long bytes() {
        return bytes;
    }

    /** The root is empty. */
    void forgetAll() {
        bytes = 0;
    }

    /** Returns false if the next step might exceed {@code mostBytes}; earlier steps are done. */
    boolean map(long iova, long target, long length, long flags, long mostBytes) {
        long at = iova;
        long to = target;
        long left = length;
        while (left > 0) {
            if (bytes > mostBytes - STEP_BYTES) return false;
            long step;
            if (left == PAGE_SIZE) {
                smalls(at)[index(at, PAGE_SHIFT)] = Entry.of(to, flags, Entry.SMALL);
                return true;
            }
            if (largePages && (at & (LARGE_BYTES - 1)) == 0 && left >= LARGE_BYTES) {
                step = LARGE_BYTES;
                long[][] page = { { Entry.of(to, flags, Entry.LARGE) } };
                MIDDLES.setRelease(larges(at), index(at, LARGE_SHIFT), page);
                bytes += LARGE_NODE_BYTES;
            } else if (middlePages && (at & (MIDDLE_BYTES - 1)) == 0 && left >= MIDDLE_BYTES) {
                step = MIDDLE_BYTES;
                long[] page = { Entry.of(to, flags, Entry.MIDDLE) };
                SMALLS.setRelease(middles(at), index(at, MIDDLE_SHIFT), page);
                bytes += MIDDLE_NODE_BYTES;
            } else {
                step = Math.min(left, MIDDLE_BYTES - (at & (MIDDLE_BYTES - 1)));
                Entries.fill(smalls(at), index(at, PAGE_SHIFT), (int) (step >>> PAGE_SHIFT), to, flags);
            }
            at += step;
            to += step;
            left -= step;
        }
        return true;
    }

    /** The node with 1 GiB elements for {@code iova}; created if missing. */
    private long[][][] larges(long iova) {
        int index = (int) (iova >>> ROOT_SHIFT);
        long[][][] node = root[index];
        if (node == NO_LARGE) {
            node = new long[FAN_OUT][][];
            Arrays.fill(node, NO_MIDDLE);
            LARGES.setRelease(root, index, node);
            bytes += NODE_BYTES;
        }
        return node;
    }

    private long[][] middles(long iova) {
        long[][][] parent = larges(iova);
        int index = index(iova, LARGE_SHIFT);
        long[][] node = parent[index];
        if (node == NO_MIDDLE) {
            node = new long[FAN_OUT][];
            Arrays.fill(node, NO_SMALL);
            MIDDLES.setRelease(parent, index, node);
            bytes += NODE_BYTES;
        }
        return node;
    }

    private long[] smalls(long iova) {
        if (lastSmalls != NO_SMALL && lastBegin == (iova & -MIDDLE_BYTES)) return lastSmalls;
        long[][] parent = middles(iova);
        int index = index(iova, MIDDLE_SHIFT);
        long[] node = parent[index];
        if (node == NO_SMALL) {
            node = new long[FAN_OUT];
            SMALLS.setRelease(parent, index, node);
            bytes += NODE_BYTES;
        }
        lastSmalls = node;
        lastBegin = iova & -MIDDLE_BYTES;
        return node;
    }

    /** The gap is empty except for the entries being cleared, so nodes in it can be dropped as a whole. */
    void clear(long first, long last, long gapFirst, long gapLast) {
        for (long at = first;;) {
            int index = (int) (at >>> ROOT_SHIFT);
            long end = Math.min(last, at | ((1L << ROOT_SHIFT) - 1));
            long[][][] node = root[index];
            if (node != NO_LARGE) {
                clearLarges(node, at, end, gapFirst, gapLast);
                if (covered(at, ROOT_SHIFT, gapFirst, gapLast)) {
                    LARGES.setRelease(root, index, NO_LARGE);
                    bytes -= NODE_BYTES;
                }
            }
            if (end == last) return;
            at = end + 1;
        }
    }

    private void clearLarges(long[][][] node, long first, long last, long gapFirst, long gapLast) {
        for (long at = first;;) {
            int index = index(at, LARGE_SHIFT);
            long end = Math.min(last, at | (LARGE_BYTES - 1));
            long[][] child = node[index];
            if (child != NO_MIDDLE) {
                boolean page = child.length == 1;
                if (!page) clearMiddles(child, at, end, gapFirst, gapLast);
                if (covered(at, LARGE_SHIFT, gapFirst, gapLast)) {
                    MIDDLES.setRelease(node, index, NO_MIDDLE);
                    bytes -= page ? LARGE_NODE_BYTES : NODE_BYTES;
                }
            }
            if (end == last) return;
            at = end + 1;
        }
    }

    private void clearMiddles(long[][] node, long first, long last, long gapFirst, long gapLast) {
        for (long at = first;;) {
            int index = index(at, MIDDLE_SHIFT);
            long end = Math.min(last, at | (MIDDLE_BYTES - 1));
            long[] child = node[index];
            if (child != NO_SMALL) {
                if (covered(at, MIDDLE_SHIFT, gapFirst, gapLast)) {
                    SMALLS.setRelease(node, index, NO_SMALL);
                    bytes -= child.length == 1 ? MIDDLE_NODE_BYTES : NODE_BYTES;
                } else {
                    Entries.clear(child, index(at, PAGE_SHIFT), index(end, PAGE_SHIFT) + 1);
                }
            }
            if (end == last) return;
            at = end + 1;
        }
    }

    /** Whether the aligned 2^shift bytes around {@code iova} are in the gap. */
    private static boolean covered(long iova, int shift, long gapFirst, long gapLast) {
        long begin = iova & -(1L << shift);
        return Long.compareUnsigned(begin, gapFirst) >= 0
                && Long.compareUnsigned(begin | ((1L << shift) - 1), gapLast) <= 0;
    }

    /** Splits the large pages that are only partly in [first, last]. */
    void breakUpEdges(long first, long last) {
        breakUp(first, first);
        breakUp(last + 1, last);
    }

    /**
     * Splits the large page that contains {@code boundary} in its middle, if any; {@code inside} is next to it. The
     * large entry is absent meanwhile, so that a dirty mark is not lost after it was copied.
     */
    private void breakUp(long boundary, long inside) {
        long[][][] larges = root[(int) (inside >>> ROOT_SHIFT)];
        if (larges == NO_LARGE) return;
        int largeIndex = index(inside, LARGE_SHIFT);
        long[][] middles = larges[largeIndex];
        if (middles == NO_MIDDLE) return;
        if (middles.length == 1) {
            if ((boundary & (LARGE_BYTES - 1)) == 0) return;
            long entry = Entries.take(middles[0], 0);
            middles = new long[FAN_OUT][];
            for (int i = 0; i < FAN_OUT; i++) {
                middles[i] = new long[]{ smaller(entry, i * MIDDLE_BYTES, Entry.MIDDLE) };
            }
            MIDDLES.setRelease(larges, largeIndex, middles);
            bytes += NODE_BYTES + FAN_OUT * MIDDLE_NODE_BYTES - LARGE_NODE_BYTES;
        }
        int middleIndex = index(inside, MIDDLE_SHIFT);
        long[] smalls = middles[middleIndex];
        if (smalls == NO_SMALL || smalls.length > 1 || (boundary & (MIDDLE_BYTES - 1)) == 0) return;
        long entry = Entries.take(smalls, 0);
        long[] node = new long[FAN_OUT];
        for (int i = 0; i < FAN_OUT; i++) node[i] = smaller(entry, (long) i << PAGE_SHIFT, Entry.SMALL);
        SMALLS.setRelease(middles, middleIndex, node);
        bytes += NODE_BYTES - MIDDLE_NODE_BYTES;
    }

    private static long smaller(long entry, long offset, int size) {
        long flags = entry & (Entry.bytes(Entry.SMALL) - 1) & ~(3L << 8);
        return Entry.of(Entry.frame(entry) + offset, flags, size);
    }
}
