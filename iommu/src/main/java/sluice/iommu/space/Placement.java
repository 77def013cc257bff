package sluice.iommu.space;

/**
 * Constraints on addresses chosen by the space.
 *
 * @param alignment of its first byte, a power of two; less than the smallest page means the smallest page
 * @param boundary a power of two that the mapping does not cross, or 0: a device that adds within some low bits of an
 *            address cannot carry into the bits above
 */
public record Placement(long alignment, long boundary) {
    public static final Placement ANYWHERE = new Placement(1, 0);

    public Placement {
        if (Long.bitCount(alignment) != 1 || Long.bitCount(boundary) > 1) {
            throw new IllegalArgumentException(
                    "alignment 0x%x and boundary 0x%x: both are powers of two, the boundary may be 0"
                            .formatted(alignment, boundary));
        }
    }

    public static Placement aligned(long alignment) {
        return new Placement(alignment, 0);
    }
}
