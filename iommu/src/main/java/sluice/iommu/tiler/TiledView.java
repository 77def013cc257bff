package sluice.iommu.tiler;

/**
 * The location of a picture, as programmed into a device.
 *
 * @param address of the first pixel
 * @param width in pixels, as this view shows it
 * @param height in rows
 * @param stride bytes from one row to the next
 */
public record TiledView(long address, int width, int height, long stride) {}
