package sluice.iommu;

/**
 * A non-empty range of a 64-bit address space; first and last byte are inclusive, so that a range may end at 2^64.
 *
 * <p>Addresses are unsigned. A range never wraps around.
 *
 * @param first address of the first byte
 * @param last address of the last byte, not below {@code first}
 */
public record AddressRange(long first, long last) {
    public AddressRange {
        if (Long.compareUnsigned(first, last) > 0) {
            throw new IllegalArgumentException("range [0x%x, 0x%x] ends before it begins".formatted(first, last));
        }
    }

    /**
     * The range of {@code size} bytes at {@code first}.
     *
     * @throws IllegalArgumentException if {@code size} is 0 or the range exceeds 2^64
     */
    public static AddressRange of(long first, long size) {
        long last = first + size - 1;
        if (size == 0 || Long.compareUnsigned(last, first) < 0) {
            throw new IllegalArgumentException(
                    "0x%x bytes at 0x%x are empty or pass the end of a 64-bit address space".formatted(size, first));
        }
        return new AddressRange(first, last);
    }

    /** Size in bytes; 0 means 2^64. */
    public long size() {
        return last - first + 1;
    }

    public boolean contains(long address) {
        // One comparison: an address below first wraps to a large distance.
        return Long.compareUnsigned(address - first, last - first) <= 0;
    }

    public boolean overlaps(AddressRange other) {
        return contains(other.first) || other.contains(first);
    }

    /**
     * The intersection.
     *
     * @throws IllegalArgumentException if they do not overlap
     */
    public AddressRange intersection(AddressRange other) {
        return new AddressRange(Long.compareUnsigned(first, other.first) < 0 ? other.first : first,
                Long.compareUnsigned(last, other.last) < 0 ? last : other.last);
    }

    @Override
    public String toString() {
        return "[0x%x, 0x%x]".formatted(first, last);
    }
}
