package sluice.iommu.tiler;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Mapping;

/**
 * A container of 256×128 slots, one page each, with 32-bit addresses for several views:
 *
 * <pre>
 * bit 0..26   offset in the view, 128 MiB
 * bit 27, 28  view: pixels of 8, 16 or 32 bits, or 3 for the pages one after the other
 * bit 29, 30  mirrored in x, in y       (not for pages)
 * bit 31      rows and columns swapped  (not for pages)
 * </pre>
 *
 * All views show the same pages; a picture must be read in the format in which it was reserved. The pages are mapped in
 * an {@link IoSpace} at their addresses in the page view, which its faults report.
 */
public final class TiledAperture {
    public static final int SLOTS_WIDE = 256;
    public static final int SLOTS_HIGH = 128;
    static final int VIEW_SHIFT = 27;
    static final int ORIENTATION_SHIFT = 29;
    static final int PAGE_VIEW = 3;
    private static final long VIEW_BYTES = 1L << VIEW_SHIFT;
    static final long PAGES = (long) PAGE_VIEW << VIEW_SHIFT;

    private final IoSpace container;
    private final SlotArea area = new SlotArea();

    private TiledAperture(IoSpace container) {
        this.container = container;
    }

    /**
     * An empty container.
     *
     * @param name appears in faults
     * @param change of the options of the underlying space, except its aperture
     */
    public static TiledAperture open(String name, UnaryOperator<IoSpaceOptions> change) {
        IoSpaceOptions options = IoSpaceOptions.of(name, AddressRange.of(PAGES, VIEW_BYTES))
                .withPageSizes(PageSizes.SMALL);
        return new TiledAperture(IoSpace.open(change.apply(options)));
    }

    /** The space that holds the pages. */
    public IoSpace container() {
        return container;
    }

    /** Number of used slots. */
    public synchronized int slotsTaken() {
        return area.count();
    }

    static long address(TileFormat format, Orientation orientation, long offset) {
        return ((long) orientation.bits() << ORIENTATION_SHIFT) | ((long) format.view << VIEW_SHIFT) | offset;
    }

    /** Bytes of a row of a view. */
    static long stride(TileFormat format, boolean swap) {
        return (long) (swap ? format.containerHeight() : format.containerWidth()) << format.pixelShift;
    }

    /**
     * Reserves slots for a picture and maps its pages there.
     *
     * @param width in pixels, at least 1
     * @param height in rows, at least 1
     * @param pages one for each slot, a row of slots after the other
     * @throws IllegalArgumentException if the picture is empty or larger than the container, or {@code pages} are more or
     *         fewer than its slots
     * @throws MapException if there is no free rectangle, or the space refuses
     */
    public synchronized TiledBlock reserve(TileFormat format, int width, int height, TargetRuns pages,
            Permission permission, Owner owner) throws MapException {
        if (width < 1 || height < 1 || width > format.containerWidth() || height > format.containerHeight()) {
            throw new IllegalArgumentException("a picture of %d×%d pixels; the container holds 1×1 to %d×%d"
                    .formatted(width, height, format.containerWidth(), format.containerHeight()));
        }
        int wide = TiledBlock.slots(width, format.widthShift);
        int high = TiledBlock.slots(height, format.heightShift);
        if (pages.bytes() != (long) wide * high * Targets.PAGE_SIZE) {
            throw new IllegalArgumentException("0x%x bytes for %d×%d slots of 4 KiB".formatted(pages.bytes(), wide,
                    high));
        }
        int first = area.take(wide, high);
        if (first < 0) {
            throw MapException.noRoom("%s: no free rectangle of %d×%d slots; %d of %d are taken".formatted(
                    container.options().name(), wide, high, area.count(), SLOTS_WIDE * SLOTS_HIGH));
        }
        List<Mapping> rows = new ArrayList<>(high);
        boolean complete = false;
        try {
            PageRows source = new PageRows(pages);
            for (int row = 0; row < high; row++) {
                long iova = PAGES + (first + (long) row * SLOTS_WIDE) * Targets.PAGE_SIZE;
                rows.add(container.map(iova, source.next(wide), permission, owner));
            }
            complete = true;
        } finally {
            if (!complete) {
                for (Mapping row : rows) container.unmap(row);
                area.giveBack(first, wide, high);
            }
        }
        return new TiledBlock(format, first % SLOTS_WIDE, first / SLOTS_WIDE, width, height, rows);
    }

    /** Unmaps the pages of a picture, as {@link IoSpace#unmap(Mapping)}, and frees its slots. */
    public synchronized void release(TiledBlock block) {
        long removed = 0;
        for (Mapping row : block.rows()) removed += container.unmap(row).bytes();
        // Slots of a released block may be in use by another picture.
        if (removed > 0)
            area.giveBack(block.slotY() * SLOTS_WIDE + block.slotX(), block.slotsWide(), block.slotsHigh());
    }

    /** A reader for the calling thread only. */
    public TiledReader openReader() {
        return new TiledReader(container.openReader());
    }
}
