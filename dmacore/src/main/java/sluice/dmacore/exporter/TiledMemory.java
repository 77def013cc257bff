package sluice.dmacore.exporter;

import java.util.concurrent.atomic.AtomicLong;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Verdict;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;
import sluice.iommu.tiler.Orientation;
import sluice.iommu.tiler.TileFormat;
import sluice.iommu.tiler.TiledAperture;
import sluice.iommu.tiler.TiledBlock;
import sluice.iommu.tiler.TiledReader;
import sluice.iommu.tiler.TiledView;

/**
 * Exports pictures stored in page-sized tiles behind a tiler like OMAP's (row S9): the CPU sees the tiles in memory
 * order, a device sees the rows of the picture in an orientation. Another exporter provides the pages. Devices may
 * snoop or not: cache maintenance applies to the lines of the tiles.
 *
 * <p>Width and height are rounded up to whole tiles; a row of a device's view has {@link #stride} bytes. The tiler holds a picture
 * while it is mapped, once for each mapping: when it is full a map fails with ENOMEM.
 */
public final class TiledMemory implements Exporter {
    private final TiledAperture tiler;
    private final Exporter pages;
    private final TileFormat format;
    private final int width;
    private final int height;
    private final Orientation orientation;
    private final AtomicLong views = new AtomicLong();

    /**
     * @param tiler may hold other pictures, too
     * @param pages provides whole pages, and handles CPU accesses and moves
     * @param width in pixels, at least 1
     * @param height in rows, at least 1
     * @param orientation of the devices' view
     * @throws IllegalArgumentException the picture is larger than a tiler holds
     */
    public TiledMemory(TiledAperture tiler, Exporter pages, TileFormat format, int width, int height,
            Orientation orientation) {
        this.tiler = tiler;
        this.pages = pages;
        this.format = format;
        this.width = whole(width, format.tileWidth());
        this.height = whole(height, format.tileHeight());
        this.orientation = orientation;
        if (this.width > TiledAperture.SLOTS_WIDE * format.tileWidth()
                || this.height > TiledAperture.SLOTS_HIGH * format.tileHeight()) {
            throw new IllegalArgumentException("a picture of %d×%d pixels; a tiler holds %d×%d".formatted(width, height,
                    TiledAperture.SLOTS_WIDE * format.tileWidth(), TiledAperture.SLOTS_HIGH * format.tileHeight()));
        }
    }

    private static int whole(int pixels, int tile) {
        if (pixels < 1) throw new IllegalArgumentException("a picture of " + pixels + " pixels");
        return (int) Math.min(Integer.MAX_VALUE, ((long) pixels + tile - 1) / tile * tile);
    }

    /** Size of the picture and its buffer in bytes. */
    public long bytes() {
        return (long) width * height * format.pixelBytes();
    }

    /** Stride of the devices' view in bytes. */
    public long stride() {
        return (long) (orientation.swap() ? height : width) * format.pixelBytes();
    }

    @Override
    public String name() {
        return "tiler over " + pages.name();
    }

    @Override
    public CpuWriters cpuWriters() {
        return pages.cpuWriters();
    }

    /**
     * @throws DmaBufException EINVAL if the size of the buffer is not {@link #bytes}, and errors of the pages' exporter
     */
    @Override
    public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        if (request.bytes() != bytes()) {
            throw new DmaBufException(Errno.EINVAL,
                    "%d×%d pixels in whole tiles have %d bytes, and the buffer is to have %d"
                            .formatted(width, height, bytes(), request.bytes()));
        }
        return pages.allocate(request);
    }

    @Override
    public boolean allocatesLate() {
        return pages.allocatesLate();
    }

    @Override
    public boolean moves() {
        return pages.moves();
    }

    @Override
    public Verdict review(DeviceFunction function, Stream stream, Verdict verdict) {
        return pages.review(function, stream, verdict);
    }

    /** @throws DmaBufException ENOMEM: the tiler has no room */
    @Override
    public BufferMemory translate(DeviceFunction function, BufferMemory memory) throws DmaBufException {
        TargetRuns tiles = new TargetRuns();
        // The tiler translates to positions in the memory, which may be scattered over files.
        tiles.add(0, memory.runs().bytes());
        TiledBlock block;
        try {
            block = tiler.reserve(format, width, height, tiles, Permission.READ_WRITE,
                    new Owner(views.incrementAndGet(), function.name()));
        } catch (MapException e) {
            throw new DmaBufException(Errno.ENOMEM, "the tiler has no room for the picture: " + e.getMessage());
        }
        boolean done = false;
        try {
            Runs seen = seen(block.view(orientation), memory.runs());
            BufferMemory view = new BufferMemory(seen, memory.kind(), memory.readOnly(), () -> tiler.release(block));
            done = true;
            return view;
        } finally {
            if (!done) tiler.release(block);
        }
    }

    private Runs seen(TiledView view, Runs memory) {
        Runs seen = new Runs();
        TargetRuns row = new TargetRuns();
        try (TiledReader reader = tiler.openReader(); var _ = reader.enter()) {
            for (int y = 0; y < view.height(); y++) {
                row.clear();
                Outcome outcome = reader.translate(view.address() + y * view.stride(),
                        (long) view.width() * format.pixelBytes(), Access.READ, row);
                if (outcome != Outcome.RESOLVED) throw new IllegalStateException("a picture without a row " + y);
                for (int run = 0; run < row.count(); run++) add(row.target(run), row.length(run), memory, seen);
            }
        }
        return seen;
    }

    /** Appends a range at a position of the memory, at most a page. */
    private static void add(long position, long length, Runs memory, Runs seen) {
        long at = position;
        while (at < position + length) {
            int run = memory.runAt(at);
            long into = at - memory.start(run);
            long step = Math.min(position + length - at, memory.length(run) - into);
            seen.add(memory.mapping(run), memory.offset(run) + into, step);
            at += step;
        }
    }

    @Override
    public void beginCpuAccess(long from, long length, Direction direction) throws DmaBufException {
        pages.beginCpuAccess(from, length, direction);
    }

    @Override
    public void endCpuAccess(long from, long length, Direction direction) throws DmaBufException {
        pages.endCpuAccess(from, length, direction);
    }
}
