package sluice.iommu.tiler;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.DeviceView;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Reader;

/** Translates addresses of a tiled aperture for one thread, with the sections and guarantees of {@link Reader}. */
public final class TiledReader implements DeviceView, AutoCloseable {
    private static final long OFFSET = (1L << TiledAperture.VIEW_SHIFT) - 1;

    private final Reader pages;

    TiledReader(Reader pages) {
        this.pages = pages;
    }

    /** Begins a section, see {@link Reader#enter}. */
    public ReadSection enter() {
        return pages.enter();
    }

    /**
     * {@inheritDoc} In a mirrored or swapped view each pixel is a run of its own. A range may span rows, and ends with
     * its view.
     */
    @Override
    public Outcome translate(long address, long length, Access access, TargetRuns target) {
        int view = (int) (address >>> TiledAperture.VIEW_SHIFT) & TiledAperture.PAGE_VIEW;
        long offset = address & OFFSET;
        // The page view, and invalid addresses: passed to the underlying space, which may fault.
        if (view == TiledAperture.PAGE_VIEW || address >>> Integer.SIZE != 0)
            return pages.translate(address, length, access, target);
        TileFormat format = TileFormat.of(view);
        int orientation = (int) (address >>> TiledAperture.ORIENTATION_SHIFT);
        long before = target.bytes();
        long wanted = length < 0 ? Long.MAX_VALUE : length;
        long done = 0;
        while (done != wanted) {
            if (offset + done > OFFSET) {
                // Beyond the view; adjacent addresses belong to another view.
                target.cutBack(before);
                return pages.translate(1L << Integer.SIZE, wanted - done, access, target);
            }
            long step = Math.min(wanted - done, contiguous(format, orientation, offset + done));
            Outcome outcome = pages.translate(slotAddress(format, orientation, offset + done), step, access, target);
            if (outcome != Outcome.RESOLVED) {
                target.cutBack(before);
                return outcome;
            }
            done += step;
        }
        return Outcome.RESOLVED;
    }

    /** Number of contiguous bytes at an offset in a view. */
    private static long contiguous(TileFormat format, int orientation, long offset) {
        // A row of a tile, or a pixel where the view does not go from left to right.
        long piece = (orientation & 5) == 0 ? (long) format.tileWidth() << format.pixelShift : format.pixelBytes();
        return piece - (offset & (piece - 1));
    }

    /** Converts an offset in a view to an offset in the page view. */
    private static long slotAddress(TileFormat format, int orientation, long offset) {
        boolean swap = (orientation & 4) != 0;
        long stride = TiledAperture.stride(format, swap);
        long row = offset / stride;
        long column = (offset % stride) >>> format.pixelShift;
        long x = swap ? row : column;
        long y = swap ? column : row;
        if ((orientation & 1) != 0) x = format.containerWidth() - 1 - x;
        if ((orientation & 2) != 0) y = format.containerHeight() - 1 - y;
        long slot = (y >>> format.heightShift) * TiledAperture.SLOTS_WIDE + (x >>> format.widthShift);
        long inTile = ((y & (format.tileHeight() - 1)) << format.widthShift) + (x & (format.tileWidth() - 1));
        long inPixel = offset & (format.pixelBytes() - 1);
        return TiledAperture.PAGES + slot * Targets.PAGE_SIZE + (inTile << format.pixelShift) + inPixel;
    }

    @Override
    public @Nullable FaultRecord fault() {
        return pages.fault();
    }

    /** Closes the reader. */
    @Override
    public void close() {
        pages.close();
    }
}
