package sluice.iommu.tiler;

import java.util.List;

import sluice.iommu.space.Mapping;

/**
 * A rectangle of slots that holds a picture.
 *
 * @param format of its pixels
 * @param slotX leftmost slot, 0 to 255
 * @param slotY topmost slot, 0 to 127
 * @param width of the picture in pixels
 * @param height of the picture in rows
 * @param rows what is mapped, a row of slots each
 */
public record TiledBlock(TileFormat format, int slotX, int slotY, int width, int height, List<Mapping> rows) {
    public TiledBlock {
        rows = List.copyOf(rows);
    }

    /** Slots in a row. */
    public int slotsWide() {
        return slots(width, format.widthShift);
    }

    /** Rows of slots. */
    public int slotsHigh() {
        return slots(height, format.heightShift);
    }

    static int slots(int pixels, int shift) {
        return (pixels + (1 << shift) - 1) >> shift;
    }

    /** The picture in an orientation. */
    public TiledView view(Orientation orientation) {
        int left = slotX << format.widthShift;
        int top = slotY << format.heightShift;
        // The view's first pixel is the corner of the picture that comes first in the view.
        int x = orientation.mirrorX() ? format.containerWidth() - left - width : left;
        int y = orientation.mirrorY() ? format.containerHeight() - top - height : top;
        boolean swap = orientation.swap();
        long stride = TiledAperture.stride(format, swap);
        long offset = (swap ? x : y) * stride + ((long) (swap ? y : x) << format.pixelShift);
        return new TiledView(TiledAperture.address(format, orientation, offset), swap ? height : width,
                swap ? width : height, stride);
    }
}
