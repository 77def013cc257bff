package sluice.iommu.tiler;

/**
 * How a device finds a picture: all it is told.
 *
 * @param address of the first pixel
 * @param width in pixels, as this view shows it
 * @param height in rows
 * @param stride bytes from one row to the next
 */
public record TiledView(long address, int width, int height, long stride) {}
