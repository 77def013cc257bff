package sluice.iommu.table;

import sluice.iommu.Access;
import sluice.iommu.Permission;

/**
 * A table entry, one number of 64 bits; 0 is absence.
 *
 * <pre>
 * bit 0, 1    may be read, written at once: the reader looks at nothing else
 * bit 2, 3    the mapping grants reading, writing
 * bit 5       armed: a rule wants to see every access
 * bit 6, 7    writes are tracked; and one was seen
 * bit 8, 9    size of the page: 4 KiB, 2 MiB, 1 GiB
 * bit 12..51  page frame of the target
 * </pre>
 *
 * Bits 0 and 1 follow from the others, see {@link #settled}: whatever needs attention clears them, so that the one test
 * of the fast path stays one test however many features there are.
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

    /** The page sizes by their number in an entry. */
    static final int SMALL = 0;
    static final int MIDDLE = 1;
    static final int LARGE = 2;
    static final int BITS_PER_SIZE = 9;

    private Entry() {}

    /** What {@link Table#target} and {@link Table#walk} want for an access without anything that needs attention. */
    public static long need(Access access) {
        return access == Access.READ ? READ : WRITE;
    }

    /** What they want for an access that was attended to. */
    public static long granted(Access access) {
        return need(access) << GRANT_SHIFT;
    }

    /** The flags of a page that grants {@code permission}. */
    public static long flags(Permission permission) {
        return settled((long) permission.bits() << GRANT_SHIFT);
    }

    /** The same entry with bits 0 and 1 as they follow from the others. */
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

    /** Bytes of a page of the size with this number. */
    static long bytes(int size) {
        return 0x1000L << (size * BITS_PER_SIZE);
    }

    /** Where the page begins. */
    static long frame(long entry) {
        return entry & FRAME;
    }

    /** What {@code iova} translates to by an entry of any size. */
    static long target(long entry, long iova) {
        if ((entry & SIZES) == 0) return (entry & FRAME) | (iova & 0xfff);
        // Added, not or-ed: a large page here needs no aligned target, only an aligned address.
        return (entry & FRAME) + (iova & (bytes(sizeOf(entry)) - 1));
    }
}
