package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.memory.Rows;
import sluice.iommu.AddressRange;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.StrayRead;

/**
 * Executes the 2D commands (virtio 1.3 §5.7.6.8). A command has at least the size of its type; all fields are checked
 * here before use.
 *
 * <p>The specification rarely assigns errors to cases. Otherwise: an unknown or unsuitable id is INVALID_RESOURCE_ID;
 * an invalid rectangle, format or size is INVALID_PARAMETER; an address that is not memory is UNSPEC.
 */
final class Commands {
    private final ResourceTable resources;
    private final Scanouts scanouts;
    private final Display display;
    private final Painter painter;
    private final GpuStatistics statistics;
    private final PictureTaker pictures;
    private final BackingSpace backings;
    private final BackingAttacher attacher;
    private final BlobCommands blobs;
    private final HostBlobCommands host;
    /** State of the transfer in progress. */
    private final Rows rows = new Rows();
    private Flush flush = new Flush();
    private Runnable released = () -> {};
    private @Nullable StrayRead stray;
    private boolean stopping;

    Commands(ResourceTable resources, Scanouts scanouts, Display display, Painter painter, GpuStatistics statistics,
            PictureTaker pictures, BackingSpace backings, Share share, long windowBytes) {
        this.resources = resources;
        this.scanouts = scanouts;
        this.display = display;
        this.painter = painter;
        this.statistics = statistics;
        this.pictures = pictures;
        this.backings = backings;
        attacher = new BackingAttacher(resources, backings);
        host = new HostBlobCommands(resources, backings, attacher, statistics, share, windowBytes);
        blobs = new BlobCommands(resources, scanouts, backings, attacher, host);
    }

    void setStrayRead(StrayRead fault) {
        stray = fault;
    }

    /** @param action runs when the guest has released a backing */
    void whenReleased(Runnable action) {
        released = action;
    }

    /** The commands for blobs, to be told what the driver has negotiated. */
    BlobCommands blobs() {
        return blobs;
    }

    /** The commands for host memory and contexts. */
    HostBlobCommands host() {
        return host;
    }

    /** Whether the next command must wait for the display. */
    boolean isHeldBack() {
        return display.isCongested();
    }

    boolean hasScanout(int id) {
        return scanouts.has(id);
    }

    void displayInfo(Consumer<byte[]> answer) {
        display.displayInfo(answer);
    }

    void edid(int scanout, Consumer<byte[]> answer) {
        display.edid(scanout, reply -> {
            if (reply != null) {
                answer.accept(reply);
            } else {
                display.displayInfo(info -> answer.accept(ownEdid(info, scanout)));
            }
        });
    }

    /** A struct virtio_gpu_resp_edid for the size of the scan-out in {@code info}; empty without a size. */
    private static byte[] ownEdid(byte[] info, int scanout) {
        ByteBuffer modes = ByteBuffer.wrap(info).order(ByteOrder.LITTLE_ENDIAN);
        int mode = Wire.DisplayInfo.MODES + scanout * Wire.DisplayInfo.MODE_BYTES;
        long width = Integer.toUnsignedLong(modes.getInt(mode + Wire.Rect.WIDTH));
        long height = Integer.toUnsignedLong(modes.getInt(mode + Wire.Rect.HEIGHT));
        byte[] response = new byte[Wire.Edid.BYTES];
        if (width > 0 && height > 0) {
            ByteBuffer.wrap(response).order(ByteOrder.LITTLE_ENDIAN).putInt(Wire.Edid.SIZE, Edid.BYTES)
                    .put(Wire.Edid.DATA, Edid.of(width, height));
        }
        return response;
    }

    /** Other devices find a blob by its UUID from now on; a host copy has no memory that they could share. */
    Response assignUuid(Command.ResourceAssignUuid command) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        // Another device's object has its UUID already.
        Pages pages = resource instanceof Blob blob && !(blob instanceof ForeignBlob) ? blob.pages() : null;
        if (pages != null && !backings.exportAs(pages, resource.uuid().value())) return Response.ERR_OUT_OF_MEMORY;
        return Response.OK_RESOURCE_UUID;
    }

    /** The UUID of a resource that has been assigned, 16 bytes. */
    byte[] uuid(Command.ResourceAssignUuid command) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) throw new IllegalArgumentException("the UUID of no resource");
        return resource.uuid().bytes();
    }

    Response create(Command.ResourceCreate2d command) {
        return resources.create(command.resourceId(), command.format(), command.width(), command.height());
    }

    Response unref(Command.ResourceUnref command) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        for (int id = 0; id < Scanouts.MAX; id++) {
            Scanouts.Shown on = scanouts.get(id);
            if (on != null && on.resource() == resource) blobs.leaves(id);
        }
        scanouts.forget(resource);
        letGo(resource);
        resources.remove(resource);
        host.forget(resource);
        return Response.OK_NODATA;
    }

    /**
     * @param result after a miss the command is not answered: it must be executed again when the translation has
     * arrived
     */
    Response attachBacking(Command.ResourceAttachBacking command, Result result) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        if (resource.backing() != null || resource instanceof ForeignBlob) return Response.ERR_UNSPEC;
        return attacher.attach(resource, command.bytes(), Wire.ResourceAttachBacking.BYTES, command.entries(), result);
    }

    static Response responseTo(Result result) {
        return switch (result.outcome()) {
            case RESOLVED -> Response.OK_NODATA;
            case NO_ROOM -> Response.ERR_OUT_OF_MEMORY;
            default -> Response.ERR_UNSPEC;
        };
    }

    /** The command that waits for a translation will not be retried. */
    void abandonMissing() {
        attacher.abandon();
    }

    Response detachBacking(Command.ResourceDetachBacking command) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null || resource.backing() == null) return Response.ERR_INVALID_RESOURCE_ID;
        letGo(resource);
        return Response.OK_NODATA;
    }

    private void letGo(Resource resource) {
        Backing backing = resources.detach(resource);
        if (backing == null) return;
        backings.unmap(backing);
        released.run();
    }

    /** A range of bus addresses was unmapped. */
    void invalidated(AddressRange range) {
        for (Resource resource : resources.all()) {
            Backing backing = resource.backing();
            if (backing != null && backing.overlaps(range)) backings.unmap(backing);
        }
    }

    /** Resets to power-on. */
    void reset() {
        abandonMissing();
        for (Resource resource : resources.all()) {
            Backing backing = resource.backing();
            if (backing != null) backings.unmap(backing);
            host.forget(resource);
        }
        resources.clear();
        host.reset();
        stopping = false;
    }

    /** @param result as that of {@link #attachBacking} */
    Response transfer(Command.TransferToHost2d command, Result result) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        return switch (resource) {
            case HostCopy copy -> transfer(command, copy, result);
            case Blob blob -> redundantTransfer();
        };
    }

    /** A blob has no copy to fill: drivers send it nevertheless for dumb buffers. */
    private Response redundantTransfer() {
        statistics.redundantTransfer();
        return Response.OK_NODATA;
    }

    private Response transfer(Command.TransferToHost2d command, HostCopy resource, Result result) {
        Backing backing = resource.backing();
        if (backing == null) return Response.ERR_INVALID_RESOURCE_ID;
        HostImage image = resource.image();
        Rectangle area = command.area();
        if (!area.isWithin(image.width(), image.height())) return Response.ERR_INVALID_PARAMETER;
        if (area.isEmpty()) return Response.OK_NODATA;
        long offset = command.offset();
        long stride = image.stride();
        long rowBytes = area.width() * PixelFormat.BYTES;
        long bytes = (area.height() - 1) * stride + rowBytes;
        long available = backing.bytes();
        if (offset < 0 || offset > available || bytes > available - offset) return Response.ERR_INVALID_PARAMETER;
        if (stray != null && stray.during(backings.memory(), result) != Outcome.RESOLVED) return responseTo(result);
        if (backings.map(backing, resource.id(), result) != Outcome.RESOLVED) return responseTo(result);
        rows.set(offset, rowBytes, stride, area.height());
        long target = area.y() * stride + area.x() * PixelFormat.BYTES;
        try (var _ = backings.enter()) {
            Outcome outcome = backings.give(backing, rows);
            if (outcome != Outcome.RESOLVED) return faulted(outcome, image, target);
            long began = backings.copyBegins();
            long copied = Transfer.copy(backings.found(), rows, resource.format(), image.pixels(), target, stride);
            statistics.transferred(copied);
            backings.copied(backing, offset, copied, began);
        } finally {
            backings.takeBack(backing, rows);
        }
        return Response.OK_NODATA;
    }

    /** The GPU's own address space has refused the access. */
    private Response faulted(Outcome outcome, HostImage image, long target) {
        if (outcome == Outcome.READ_ZERO_DROP_WRITE) {
            statistics.transferred(Transfer.clear(rows, image, target));
            return Response.OK_NODATA;
        }
        stopping = outcome == Outcome.STOP_QUEUE;
        return Response.ERR_UNSPEC;
    }

    /** Whether a fault has stopped the queue, until the device is reset. */
    boolean isStopping() {
        return stopping;
    }

    Response setScanout(Command.SetScanout command) {
        int id = command.scanoutId();
        if (!scanouts.has(id)) return Response.ERR_INVALID_SCANOUT_ID;
        int resourceId = command.resourceId();
        if (resourceId == 0) {
            blobs.leaves(id);
            scanouts.switchOff(id);
            return Response.OK_NODATA;
        }
        // A blob has no width and height; SET_SCANOUT_BLOB sets them.
        if (!(resources.find(resourceId) instanceof HostCopy copy)) return Response.ERR_INVALID_RESOURCE_ID;
        HostImage image = copy.image();
        Rectangle part = command.area();
        if (part.isEmpty() || !part.isWithin(image.width(), image.height())) return Response.ERR_INVALID_PARAMETER;
        if (!scanouts.hasRoomFor(id, part)) return Response.ERR_OUT_OF_MEMORY;
        blobs.leaves(id);
        scanouts.show(id, copy, image, part);
        return Response.OK_NODATA;
    }

    /** @param result as that of {@link #attachBacking} */
    Response createBlob(Command.ResourceCreateBlob command, Result result) {
        return blobs.create(command, result);
    }

    /** @param result as that of {@link #attachBacking} */
    Response setScanoutBlob(Command.SetScanoutBlob command, Result result) {
        return blobs.setScanout(command, result);
    }

    /**
     * Updates every scan-out that shows the resource.
     *
     * @param result as that of {@link #attachBacking}
     * @param done called when the displays have accepted all of it, possibly before this returns
     * @return the error, in which case {@code done} is not called
     */
    @Nullable
    Response flush(Command.ResourceFlush command, Result result, Runnable done) {
        Resource resource = resources.find(command.resourceId());
        if (resource == null) return Response.ERR_INVALID_RESOURCE_ID;
        Rectangle area = command.area();
        switch (resource) {
            case HostCopy copy -> {
                if (!area.isWithin(copy.image().width(), copy.image().height())) return Response.ERR_INVALID_PARAMETER;
            }
            case Blob blob -> {
                Response refused = blobs.flush(blob, area, result);
                if (refused != null) return refused;
            }
        }
        flush.begin(resource.id(), done);
        boolean shown = false;
        for (int id = 0; id < Scanouts.MAX; id++) {
            Scanouts.Shown on = scanouts.get(id);
            if (on == null || on.resource().id() != resource.id()) continue;
            if (!area.overlaps(on.shown())) continue;
            // The GPU scans out all of a blob, whatever its guest says has changed: it may be wrong.
            boolean all = resource instanceof Blob && scanouts.isFlipped(id);
            scanouts.setFlushed(id);
            if (!shown) flush.began = backings.displayBegins();
            shown = true;
            flush.parts++;
            // Two calls: the rectangle that is made for one of them is never an object then.
            if (all) painter.paint(id, on, on.shown(), flush.partSent);
            else painter.paint(id, on, area.intersect(on.shown()), flush.partSent);
        }
        if (shown) {
            statistics.frame();
            backings.shown(statistics.frames());
            pictures.frameShown(scanouts);
        }
        flush.partSent.run();
        return null;
    }

    /** Drops the callback of the flush in progress; its pixels are still sent. */
    void abandonFlush() {
        flush = new Flush();
    }

    /** A flush in progress: done when all of its parts are sent. The object is reused. */
    private final class Flush {
        private int parts;
        private int resource;
        /** When the first part was given to a display; 0 before that, or while tracing is off. */
        private long began;
        private Runnable done = () -> {};
        final Runnable partSent = this::partSent;

        void begin(int id, Runnable whenDone) {
            resource = id;
            began = 0;
            parts = 1; // counts the command itself until all parts are queued
            done = whenDone;
        }

        private void partSent() {
            parts--;
            if (parts > 0) return;
            backings.displayed(resource, began);
            done.run();
        }
    }
}
