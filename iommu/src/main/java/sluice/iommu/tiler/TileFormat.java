package sluice.iommu.tiler;

import static sluice.iommu.tiler.TiledAperture.SLOTS_HIGH;
import static sluice.iommu.tiler.TiledAperture.SLOTS_WIDE;

/** Pixel sizes of the views. A slot is one page of 4 KiB and holds a tile of pixels, row by row. */
public enum TileFormat {
    /** Tiles of 64×64 pixels, a container of 16384×8192. */
    BITS_8(0, 6, 6, 0),
    /** Tiles of 64×32 pixels, a container of 16384×4096. */
    BITS_16(1, 6, 5, 1),
    /** Tiles of 32×32 pixels, a container of 8192×4096. */
    BITS_32(2, 5, 5, 2);

    /** Number of its view in an address. */
    final int view;
    final int widthShift;
    final int heightShift;
    final int pixelShift;

    TileFormat(int view, int widthShift, int heightShift, int pixelShift) {
        this.view = view;
        this.widthShift = widthShift;
        this.heightShift = heightShift;
        this.pixelShift = pixelShift;
    }

    /** The format of a view's number, 0 to 2. */
    static TileFormat of(int view) {
        return switch (view) {
            case 0 -> BITS_8;
            case 1 -> BITS_16;
            case 2 -> BITS_32;
            default -> throw new IllegalArgumentException("view " + view + " shows no pixels");
        };
    }

    public int pixelBytes() {
        return 1 << pixelShift;
    }

    /** Pixels in a row of a tile. */
    public int tileWidth() {
        return 1 << widthShift;
    }

    /** Rows of a tile. */
    public int tileHeight() {
        return 1 << heightShift;
    }

    /** Pixels in a row of the container. */
    int containerWidth() {
        return SLOTS_WIDE << widthShift;
    }

    /** Rows of the container. */
    int containerHeight() {
        return SLOTS_HIGH << heightShift;
    }
}
