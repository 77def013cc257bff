package sluice.iommu;

/**
 * The page sizes of an IOMMU as a bitmap: bit n stands for pages of 2^n bytes, as in Linux ({@code pgsize_bitmap}).
 *
 * @param bitmap not 0; the smallest page is 4 KiB or larger, the largest 2^62 bytes or smaller
 */
public record PageSizes(long bitmap) {
    /** 4 KiB, 2 MiB and 1 GiB. */
    public static final PageSizes X86 = new PageSizes((1L << 12) | (1L << 21) | (1L << 30));
    /** 4 KiB only. */
    public static final PageSizes SMALL = new PageSizes(1L << 12);

    public PageSizes {
        if (bitmap <= 0 || (bitmap & (Targets.PAGE_SIZE - 1)) != 0) {
            throw new IllegalArgumentException(
                    "page sizes 0x%x: at least one is needed, and none below 4 KiB or above 2^62".formatted(bitmap));
        }
    }

    /** Size of the smallest page in bytes, to which all mappings are aligned. */
    public long smallest() {
        return Long.lowestOneBit(bitmap);
    }

    public boolean has(long size) {
        return Long.bitCount(size) == 1 && (bitmap & size) != 0;
    }

    public boolean aligned(long number) {
        return (number & (smallest() - 1)) == 0;
    }

    /**
     * The largest page that can map {@code iova} to {@code target} within {@code length}; 0 if one of the three is not
     * aligned to the smallest page.
     *
     * @param length in bytes, unsigned
     */
    public long best(long iova, long target, long length) {
        if (length == 0) return 0;
        long usable = bitmap & upTo(Long.highestOneBit(length));
        long misalignment = iova | target;
        if (misalignment != 0) usable &= upTo(Long.lowestOneBit(misalignment));
        return Long.highestOneBit(usable);
    }

    /** The number of pages of the {@link #best} size until a larger one can be used. */
    public long count(long iova, long target, long length) {
        long size = best(iova, target, length);
        if (size == 0) return 0;
        long larger = bitmap & -(size << 1);
        long next = Long.lowestOneBit(larger);
        // A larger page is only possible if both addresses become aligned to it together.
        if (next == 0 || ((iova ^ target) & (next - 1)) != 0) return Long.divideUnsigned(length, size);
        long toBoundary = -iova & (next - 1);
        // Already aligned: the length was too short for the larger page, and stays so.
        if (toBoundary == 0) return Long.divideUnsigned(length, size);
        boolean worth = Long.compareUnsigned(length, toBoundary) > 0
                && Long.compareUnsigned(length - toBoundary, next) >= 0;
        return Long.divideUnsigned(worth ? toBoundary : length, size);
    }

    private static long upTo(long powerOfTwo) {
        return powerOfTwo | (powerOfTwo - 1);
    }
}
