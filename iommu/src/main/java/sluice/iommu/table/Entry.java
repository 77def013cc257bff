package sluice.iommu.table;

import sluice.iommu.Access;
import sluice.iommu.Permission;

/**
 * A table entry of 64 bits; 0 means absent.
 *
 * <pre>
 * bit 0, 1    readable, writable on the fast path: the reader checks only these
 * bit 2, 3    the mapping permits reads, writes
 * bit 5       armed: a rule matches accesses to the page
 * bit 6, 7    writes are tracked; the page is dirty
 * bit 8, 9    size of the page: 4 KiB, 2 MiB, 1 GiB
 * bit 12..51  page frame of the target
 * </pre>
 *
 * Bits 0 and 1 are derived from the others, see {@link #settled}: each feature that needs the slow path clears them, so
 * that the fast path needs one test only.
 */
public final class Entry {
    public static final long READ = 1;
    public static final long WRITE = 1 << 1;
    private static final int GRANT_SHIFT = 2;
    public static final long ARMED = 1 << 5;
    public static final long TRACKED = 1 << 6;
    public static final long DIRTY = 1 << 7;
    private static final int SIZE_SHIFT = 8;
    private static final long SIZES = 3 << SIZE_SHIFT;
    private static final long FRAME = 0x000f_ffff_ffff_f000L;

    /** The page sizes, by their code in an entry. */
    static final int SMALL = 0;
    static final int MIDDLE = 1;
    static final int LARGE = 2;
    static final int BITS_PER_SIZE = 9;

    private Entry() {}

    /** The bit required by {@link Table#target} and {@link Table#walk} for an access on the fast path. */
    public static long need(Access access) {
        return access == Access.READ ? READ : WRITE;
    }

    /** The bit required for an access on the slow path. */
    public static long granted(Access access) {
        return need(access) << GRANT_SHIFT;
    }

    /** The flags of a page with {@code permission}. */
    public static long flags(Permission permission) {
        return settled((long) permission.bits() << GRANT_SHIFT);
    }

    /** The same entry with bits 0 and 1 derived from the others. */
    public static long settled(long entry) {
        long fast = (entry >>> GRANT_SHIFT) & (READ | WRITE);
        if ((entry & ARMED) != 0) fast = 0;
        if ((entry & (TRACKED | DIRTY)) == TRACKED) fast &= ~WRITE;
        return (entry & ~(READ | WRITE)) | fast;
    }

    public static boolean has(long entry, long bits) {
        return (entry & bits) == bits;
    }

    public static boolean grants(long entry, Access access) {
        return (entry & granted(access)) != 0;
    }

    /** @param size {@link #SMALL}, {@link #MIDDLE} or {@link #LARGE} */
    static long of(long target, long flags, int size) {
        return (target & FRAME) | flags | ((long) size << SIZE_SHIFT);
    }

    static int sizeOf(long entry) {
        return (int) (entry >>> SIZE_SHIFT) & 3;
    }

    /** Size in bytes of a page with this code. */
    static long bytes(int size) {
        return 0x1000L << (size * BITS_PER_SIZE);
    }

    /** Target of the page's first byte. */
    static long frame(long entry) {
        return entry & FRAME;
    }

    /** The target of {@code iova} by an entry of any size. */
    static long target(long entry, long iova) {
        if ((entry & SIZES) == 0) return (entry & FRAME) | (iova & 0xfff);
        // Added instead of or-ed: the target of a large page need not be aligned, only its address.
        return (entry & FRAME) + (iova & (bytes(sizeOf(entry)) - 1));
    }
}
