package sluice.iommu;

/**
 * What an address translates to: an opaque number of 52 bits, a page frame of 40 bits and an offset of 12. It means
 * something to whoever maps, and nothing here but this: two pages are contiguous if and only if their targets are.
 *
 * <p>Whoever composes targets of several parts keeps the parts apart: a target that follows another by one page is
 * taken for its neighbour.
 */
public final class Targets {
    /** Bits of an offset within a frame. */
    public static final int PAGE_SHIFT = 12;
    /** Bytes of the smallest page any table here has. */
    public static final long PAGE_SIZE = 1L << PAGE_SHIFT;
    /** The largest target. */
    public static final long MAX = (1L << 52) - 1;
    /** No target: what a lookup that found none gives. */
    public static final long NONE = -1;

    private Targets() {}
}
