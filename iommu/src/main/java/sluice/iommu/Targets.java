package sluice.iommu;

/**
 * The result of a translation: an opaque number of 52 bits, a page frame of 40 bits and an offset of 12. Its meaning
 * belongs to the mapping code; here two pages are contiguous if and only if their targets are.
 *
 * <p>Code that composes targets of several parts must keep the parts apart: a target one page after another is treated
 * as contiguous.
 */
public final class Targets {
    /** Bits of an offset within a frame. */
    public static final int PAGE_SHIFT = 12;
    /** Size of the smallest page in bytes. */
    public static final long PAGE_SIZE = 1L << PAGE_SHIFT;
    /** The largest target. */
    public static final long MAX = (1L << 52) - 1;
    /** The result of a failed lookup. */
    public static final long NONE = -1;

    private Targets() {}
}
