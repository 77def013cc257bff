package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Rows;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.SharedRegion;

/**
 * The commands for blobs (virtio 1.3 §5.7.6.8), and RESOURCE_FLUSH of a blob. They copy no pixels: RESOURCE_FLUSH
 * transfers its rectangle to the GPU, and the first SET_SCANOUT_BLOB all of the blob.
 */
final class BlobCommands {
    /** blob_alignment of the configuration space, in bytes: a page of the window. */
    static final int ALIGNMENT = (int) SharedRegion.PAGE;

    private final ResourceTable resources;
    private final Scanouts scanouts;
    private final BackingSpace backings;
    private final BackingAttacher attacher;
    private final HostBlobCommands host;
    private final Rows rows = new Rows();
    private boolean negotiated;
    private boolean aligned;

    /** @param host creates blobs of host memory */
    BlobCommands(ResourceTable resources, Scanouts scanouts, BackingSpace backings, BackingAttacher attacher,
            HostBlobCommands host) {
        this.host = host;
        this.resources = resources;
        this.scanouts = scanouts;
        this.backings = backings;
        this.attacher = attacher;
    }

    /** Whether the driver has negotiated VIRTIO_GPU_F_RESOURCE_BLOB; without it these commands are unknown. */
    void setNegotiated(boolean blobs) {
        negotiated = blobs;
    }

    /** Whether it has negotiated VIRTIO_GPU_F_BLOB_ALIGNMENT: sizes are multiples of {@link #ALIGNMENT} then. */
    void setAligned(boolean negotiatedToo) {
        aligned = negotiatedToo;
    }

    /** @param result as that of {@link BackingAttacher#attach} */
    Response create(Command.ResourceCreateBlob command, Result result) {
        if (!negotiated) return Response.ERR_UNSPEC;
        int id = command.resourceId();
        if (!resources.isFree(id)) return Response.ERR_INVALID_RESOURCE_ID;
        long size = command.size();
        boolean known = (command.flags() & ~BlobMemory.FLAGS) == 0;
        BlobMemory memory = BlobMemory.ofWire(command.memory());
        if (memory == null || !known || size <= 0 || (aligned && size % ALIGNMENT != 0))
            return Response.ERR_INVALID_PARAMETER;
        return switch (memory) {
            case GUEST -> createOfPages(command, result);
            case HOST3D -> host.create(command, false, result);
            case HOST3D_GUEST -> host.create(command, true, result);
        };
    }

    private Response createOfPages(Command.ResourceCreateBlob command, Result result) {
        GuestBlob blob = new GuestBlob(command.resourceId(), command.size());
        if (!resources.hasRoom()) return Response.ERR_OUT_OF_MEMORY;
        Response response = attacher.attach(blob, command.bytes(), Wire.ResourceCreateBlob.BYTES, command.entries(),
                result);
        if (response != Response.OK_NODATA) return response;
        if (resources.add(blob)) return response;
        Backing backing = resources.detach(blob);
        if (backing != null) backings.unmap(backing);
        return Response.ERR_OUT_OF_MEMORY;
    }

    /** @param result as that of {@link BackingAttacher#attach} */
    Response setScanout(Command.SetScanoutBlob command, Result result) {
        if (!negotiated) return Response.ERR_UNSPEC;
        int id = command.scanoutId();
        if (!scanouts.has(id)) return Response.ERR_INVALID_SCANOUT_ID;
        if (command.resourceId() == 0) {
            leaves(id);
            scanouts.switchOff(id);
            return Response.OK_NODATA;
        }
        if (!(resources.find(command.resourceId()) instanceof Blob blob)) return Response.ERR_INVALID_RESOURCE_ID;
        follow(blob);
        Pages backing = blob.pages();
        if (backing == null) return Response.ERR_INVALID_RESOURCE_ID;
        Rectangle part = command.area();
        if (!isPicture(command, blob.size()) || part.isEmpty() || !part.isWithin(command.width(), command.height()))
            return Response.ERR_INVALID_PARAMETER;
        if (!scanouts.hasRoomFor(id, part)) return Response.ERR_OUT_OF_MEMORY;
        if (!blob.use().isGiven()) {
            rows.set(0, blob.size());
            if (!pass(blob, backing, result)) return Commands.responseTo(result);
            blob.use().setGiven();
        }
        Scanouts.Shown before = scanouts.get(id);
        if (before != null && before.resource() != blob) leaves(id);
        scanouts.show(id, blob, pixels(command, blob), part);
        return Response.OK_NODATA;
    }

    /** An object of another device may be another buffer by now, all of which is new to the screens that show it. */
    private void follow(Blob blob) {
        if (!(blob instanceof ForeignBlob object) || !host.follow(object)) return;
        for (int id = 0; id < Scanouts.MAX; id++) {
            Scanouts.Shown on = scanouts.get(id);
            if (on != null && on.resource() == blob) scanouts.setFlipped(id);
        }
    }

    /** Whether the command describes a picture inside a blob of this size, with rows that do not overlap. */
    private static boolean isPicture(Command.SetScanoutBlob command, long size) {
        long width = command.width();
        long height = command.height();
        if (PixelFormat.ofWire(command.format()) == null || width == 0 || height == 0) return false;
        if (width > ResourceTable.MAX_SIDE || height > ResourceTable.MAX_SIDE) return false;
        long rowBytes = width * PixelFormat.BYTES;
        return command.stride() >= rowBytes
                && command.offset() + (height - 1) * command.stride() + rowBytes <= size;
    }

    private BlobPixels pixels(Command.SetScanoutBlob command, Blob blob) {
        BlobPixels present = blob.use().pixels();
        if (present != null && present.layout().isOf(command)) return present;
        PixelFormat format = PixelFormat.ofWire(command.format());
        if (format == null) throw new IllegalArgumentException("a picture without a format");
        BlobPixels made = new BlobPixels(blob, new BlobLayout(format, (int) command.width(), (int) command.height(),
                command.offset(), command.stride()), backings);
        blob.use().setPixels(made);
        return made;
    }

    /**
     * The guest has drawn a rectangle: transfers it to the GPU and updates every scan-out that shows it. Parts outside
     * of a scan-out are ignored, because a blob has no size in pixels.
     *
     * @param result as that of {@link BackingAttacher#attach}
     * @return why it cannot be flushed, or null
     */
    @Nullable
    Response flush(Blob blob, Rectangle area, Result result) {
        follow(blob);
        for (int id = 0; id < Scanouts.MAX; id++) {
            Scanouts.Shown on = scanouts.get(id);
            if (on == null || on.resource() != blob || !(on.pixels() instanceof BlobPixels pixels)) continue;
            Rectangle part = area.intersect(on.shown());
            Pages backing = blob.pages();
            if (part.isEmpty()) continue;
            if (backing == null) {
                backings.tellLost(blob);
                continue;
            }
            pixels.layout().rowsOf(part, rows);
            if (!pass(blob, backing, result)) {
                if (!result.isMiss()) backings.tellLost(blob);
                return Commands.responseTo(result);
            }
            if (scanouts.isFlipped(id)) compare(backing, pixels, on.shown());
        }
        return null;
    }

    /** Maps a blob and transfers {@link #rows}; if that is not possible, {@code result} says why. */
    private boolean pass(Blob blob, Pages backing, Result result) {
        for (int moves = 0; moves < BackingSpace.MOST_MOVES; moves++) {
            if (backings.map(backing, blob.id(), result) != Outcome.RESOLVED) return false;
            if (backings.pass(backing, rows)) return true;
        }
        result.faulted(0, Access.READ);
        return false;
    }

    /**
     * A scan-out shows something else from now on, or nothing. Reports what the guest drew in the blob there and did
     * not flush. An earlier report could be wrong: a flush could still have come.
     */
    void leaves(int id) {
        Scanouts.Shown on = scanouts.get(id);
        if (on == null || !(on.pixels() instanceof BlobPixels pixels)) return;
        Pages backing = pixels.blob().pages();
        if (backing != null && backings.reach(backing, pixels.blob().id())) compare(backing, pixels, on.shown());
    }

    private void compare(Pages backing, BlobPixels pixels, Rectangle part) {
        pixels.layout().rowsOf(part, rows);
        backings.reportStale(backing, rows);
    }
}
