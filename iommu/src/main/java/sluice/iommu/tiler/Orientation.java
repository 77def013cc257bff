package sluice.iommu.tiler;

/**
 * The orientation of a view of the container. Coordinates of the view are swapped first, if {@code swap} is set, then
 * mirrored.
 *
 * @param mirrorX from right to left
 * @param mirrorY from bottom to top
 * @param swap rows become columns
 */
public record Orientation(boolean mirrorX, boolean mirrorY, boolean swap) {
    /** No change. */
    public static final Orientation NORMAL = new Orientation(false, false, false);
    /** Rotated by 180 degrees. */
    public static final Orientation HALF_TURN = new Orientation(true, true, false);

    /** Three bits, as in an address: 1 mirrors x, 2 mirrors y, 4 swaps. */
    int bits() {
        return (mirrorX ? 1 : 0) | (mirrorY ? 2 : 0) | (swap ? 4 : 0);
    }

    /**
     * The orientation of a number.
     *
     * @param bits 0 to 7
     */
    public static Orientation of(int bits) {
        if (bits < 0 || bits > 7)
            throw new IllegalArgumentException("orientation " + bits + "; there are 0 to 7");
        return new Orientation((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0);
    }
}
