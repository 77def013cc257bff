package sluice.vdev.gpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.iommu.space.Result;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.SharedWindow;

/**
 * The commands for host memory and for contexts (virtio 1.3 §5.7.6.8). A host blob is allocated in the window at its
 * first use or where RESOURCE_MAP_BLOB says. The window is mapped for the guest as a whole, by the first
 * RESOURCE_MAP_BLOB, because a front-end over vhost-user has room for a few parts only.
 */
final class HostBlobCommands {
    /** Refusals of the front-end that are logged. */
    private static final int REFUSALS_TOLD = 3;
    private static final Logger LOG = LoggerFactory.getLogger(HostBlobCommands.class);

    private final ResourceTable resources;
    private final BackingSpace backings;
    private final BackingAttacher attacher;
    private final GpuStatistics statistics;
    private final Contexts contexts;
    private final ForeignBlobs foreign;
    private final HostTransfer transfer;
    private final HostWindow places;
    private @Nullable SharedWindow window;
    private boolean negotiated;
    private boolean visible;
    /** Increased by a reset, which hides the window. */
    private int resets;
    /** The RESOURCE_MAP_BLOB that waits for the window; while the request is open. */
    private @Nullable Consumer<Boolean> waiting;
    private boolean requested;
    private int refusals;

    /** @param windowBytes size of the window; 0 for a GPU without host memory */
    HostBlobCommands(ResourceTable resources, BackingSpace backings, BackingAttacher attacher,
            GpuStatistics statistics, Share share, long windowBytes) {
        this.resources = resources;
        this.backings = backings;
        this.attacher = attacher;
        this.statistics = statistics;
        contexts = new Contexts(share);
        foreign = new ForeignBlobs(resources, backings, share);
        transfer = new HostTransfer(backings);
        places = new HostWindow(windowBytes);
    }

    /**
     * The driver starts.
     *
     * @param present the window; null if the driver has not negotiated contexts: their commands are unknown then
     */
    void start(@Nullable SharedWindow present) {
        if (present != null) window = present;
        negotiated = present != null;
    }

    boolean isNegotiated() {
        return negotiated;
    }

    /** Bytes of the window that are used. */
    long used() {
        return places.used();
    }

    private SharedWindow window() {
        SharedWindow present = window;
        if (present == null) throw new IllegalStateException("host memory without a window");
        return present;
    }

    // ---- contexts

    /** Executes a command that has a plain answer. */
    Response execute(ContextCommand command, Result result) {
        if (!negotiated) return Response.ERR_UNSPEC;
        return switch (command) {
            case ContextCommand.ContextCreate create -> contexts.create(create);
            case ContextCommand.ContextDestroy destroy -> contexts.destroy(destroy.contextId());
            case ContextCommand.ContextAttach attach -> attach(attach);
            case ContextCommand.ContextDetach detach -> contexts.detach(detach.contextId(), detach.resourceId());
            case ContextCommand.Submit3d submit -> ContextStream.execute(submit, contexts);
            case ContextCommand.TransferToHost3d transfer -> copy(transfer, result);
            case ContextCommand.ResourceUnmapBlob unmap -> unmap(unmap);
            case ContextCommand.GetCapsetInfo info ->
                info.index() == 0 ? Response.OK_CAPSET_INFO : Response.ERR_INVALID_PARAMETER;
            case ContextCommand.GetCapset get -> get.id() == Contexts.CAPSET && isVersion(get.version())
                    ? Response.OK_CAPSET
                    : Response.ERR_INVALID_PARAMETER;
            case ContextCommand.ResourceMapBlob map -> map(map);
        };
    }

    private static boolean isVersion(int version) {
        return version >= 0 && version <= Contexts.CAPSET_VERSION;
    }

    /** The response with this type, complete but for its header; null for a header only. */
    byte @Nullable [] payload(Response response) {
        return switch (response) {
            case OK_CAPSET_INFO -> bytes(Wire.CapsetInfo.BYTES).putInt(Wire.CapsetInfo.ID, Contexts.CAPSET)
                    .putInt(Wire.CapsetInfo.MAX_VERSION, Contexts.CAPSET_VERSION)
                    .putInt(Wire.CapsetInfo.MAX_SIZE, Wire.Capset.DATA_BYTES).array();
            case OK_CAPSET -> bytes(Wire.Capset.BYTES).putInt(Wire.Capset.VERSION, Contexts.CAPSET_VERSION)
                    .putLong(Wire.Capset.WINDOW_BYTES, places.bytes()).array();
            case OK_MAP_INFO -> bytes(Wire.MapInfo.BYTES).putInt(Wire.MapInfo.INFO, Wire.MapInfo.CACHED).array();
            default -> null;
        };
    }

    private static ByteBuffer bytes(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private Response attach(ContextCommand.ContextAttach command) {
        if (contexts.find(command.contextId()) != null && resources.find(command.resourceId()) == null)
            return Response.ERR_INVALID_RESOURCE_ID;
        return contexts.attach(command.contextId(), command.resourceId());
    }

    // ---- host memory

    /**
     * Creates a host blob, whose id, size and flags are valid.
     *
     * @param result as that of {@link BackingAttacher#attach}
     */
    Response create(Command.ResourceCreateBlob command, boolean shadowed, Result result) {
        if (!negotiated) return Response.ERR_INVALID_PARAMETER;
        Contexts.Context context = contexts.find(command.contextId());
        if (context == null) return Response.ERR_INVALID_CONTEXT_ID;
        UUID named = context.name(command.blobId());
        if (named != null)
            return shadowed ? Response.ERR_INVALID_PARAMETER : foreign.create(command, context, named);
        if (!shadowed && command.entries() != 0) return Response.ERR_INVALID_PARAMETER;
        if (command.size() > places.bytes() || !resources.hasRoom()) return Response.ERR_OUT_OF_MEMORY;
        long blobId = command.blobId();
        HostBlob.ContextObject object = blobId == HostBlob.NO_BLOB_ID
                ? null
                : new HostBlob.ContextObject(context, blobId);
        if (object != null && !context.takeBlobId(blobId)) return Response.ERR_INVALID_PARAMETER;
        HostBlob blob = null;
        boolean made = false;
        try {
            WindowExporter exporter = new WindowExporter(places, window());
            blob = new HostBlob(command.resourceId(), backings.open(command.resourceId(), command.size(), exporter),
                    exporter, (command.flags() & BlobMemory.FLAG_MAPPABLE) != 0, object);
            Response response = shadowed
                    ? attacher.attach(blob, command.bytes(), Wire.ResourceCreateBlob.BYTES, command.entries(), result)
                    : Response.OK_NODATA;
            if (response != Response.OK_NODATA) return response;
            made = resources.add(blob);
            return made ? Response.OK_NODATA : Response.ERR_OUT_OF_MEMORY;
        } catch (DmaBufException e) {
            LOG.debug("resource {} is refused: {}", command.resourceId(), e.getMessage());
            return Response.ERR_OUT_OF_MEMORY;
        } finally {
            if (!made) undo(blob, object);
        }
    }

    private void undo(@Nullable HostBlob blob, HostBlob.@Nullable ContextObject object) {
        if (object != null) object.context().freeBlobId(object.blobId());
        if (blob == null) return;
        Backing shadow = resources.detach(blob);
        if (shadow != null) backings.unmap(shadow);
        backings.close(blob.memory());
    }

    /** As {@link ForeignBlobs#follow}. */
    boolean follow(ForeignBlob blob) {
        return foreign.follow(blob);
    }

    /** A resource is destroyed. */
    void forget(Resource resource) {
        contexts.forget(resource.id());
        if (resource instanceof ForeignBlob blob) foreign.forget(blob);
        if (!(resource instanceof HostBlob blob)) return;
        HostBlob.ContextObject object = blob.object();
        if (object != null) object.context().freeBlobId(object.blobId());
        backings.close(blob.memory());
    }

    /** Copies bytes from the guest's pages of a blob to the host's: x and w of the box are bytes in the blob. */
    private Response copy(ContextCommand.TransferToHost3d command, Result result) {
        if (!(resources.find(command.resourceId()) instanceof HostBlob blob) || blob.backing() == null)
            return Response.ERR_INVALID_RESOURCE_ID;
        long at = command.box(0);
        long length = command.box(3);
        boolean flat = command.box(1) == 0 && command.box(2) == 0 && command.box(4) == 1 && command.box(5) == 1;
        Backing shadow = blob.backing();
        if (!flat || at + length > blob.size() || command.offset() < 0 || length > shadow.bytes()
                || command.offset() > shadow.bytes() - length)
            return Response.ERR_INVALID_PARAMETER;
        if (length == 0) return Response.OK_NODATA;
        Response response = transfer.copy(blob, shadow, at, command.offset(), length, result);
        if (response == Response.OK_NODATA) statistics.transferred(length);
        return response;
    }

    // ---- the window

    /**
     * Maps the window for the guest, unless it is mapped.
     *
     * @param then receives whether it is, possibly before this returns; a later call replaces it
     */
    void show(Consumer<Boolean> then) {
        if (visible || !negotiated) {
            then.accept(visible);
            return;
        }
        waiting = then;
        if (requested) return;
        requested = true;
        int asked = resets;
        window().show(0, places.bytes(), taken -> {
            if (asked != resets) return;
            requested = false;
            visible = taken;
            if (!taken && refusals++ < REFUSALS_TOLD)
                LOG.warn("the front-end refuses to map the window of {} bytes: the guest cannot map host memory",
                        places.bytes());
            Consumer<Boolean> waits = waiting;
            waiting = null;
            if (waits != null) waits.accept(taken);
        });
    }

    private Response map(ContextCommand.ResourceMapBlob command) {
        if (!(resources.find(command.resourceId()) instanceof HostBlob blob)) return Response.ERR_INVALID_RESOURCE_ID;
        long offset = command.offset();
        if (!blob.isMappable() || !places.contains(offset, SharedRegion.whole(blob.size())))
            return Response.ERR_INVALID_PARAMETER;
        if (blob.isVisible() || !visible) return Response.ERR_UNSPEC;
        Response response = place(blob, offset);
        if (response == Response.OK_MAP_INFO) blob.setVisible(true);
        return response;
    }

    /** Puts the blob's memory at an offset, where others make room. */
    private Response place(HostBlob blob, long offset) {
        long length = SharedRegion.whole(blob.size());
        WindowExporter exporter = blob.exporter();
        HostWindow.Place at = places.of(exporter);
        if (at != null && at.offset() == offset) return Response.OK_MAP_INFO;
        try {
            for (HostWindow.Place there : places.in(offset, length)) {
                HostBlob other = blobOf(there.owner());
                // Without a blob: destroyed, and still used by another device.
                if (other == null) return Response.ERR_UNSPEC;
                if (other.isVisible()) return Response.ERR_INVALID_PARAMETER;
                there.owner().avoid(offset, length);
                move(other);
            }
            exporter.wantAt(offset);
            if (at == null) allocate(blob);
            else move(blob);
            return Response.OK_MAP_INFO;
        } catch (DmaBufException e) {
            LOG.debug("resource {} cannot be mapped: {}", blob.id(), e.getMessage());
            // Otherwise another device keeps a buffer where it is.
            return e.errno() == Errno.ENOMEM ? Response.ERR_OUT_OF_MEMORY : Response.ERR_UNSPEC;
        } finally {
            exporter.avoid(0, 0);
        }
    }

    private static void allocate(HostBlob blob) throws DmaBufException {
        blob.memory().attachment().getSegments();
        blob.memory().attachment().putSegments();
    }

    private void move(HostBlob blob) throws DmaBufException {
        blob.memory().buffer().move();
        statistics.moved(blob.size());
    }

    private @Nullable HostBlob blobOf(WindowExporter exporter) {
        for (Resource resource : resources.all()) {
            if (resource instanceof HostBlob blob && blob.exporter() == exporter) return blob;
        }
        return null;
    }

    /** The memory stays where it is, until a blob is mapped there: a scan-out goes on showing it. */
    private Response unmap(ContextCommand.ResourceUnmapBlob command) {
        if (!(resources.find(command.resourceId()) instanceof HostBlob blob)) return Response.ERR_INVALID_RESOURCE_ID;
        if (!blob.isVisible()) return Response.ERR_UNSPEC;
        blob.setVisible(false);
        return Response.OK_NODATA;
    }

    /**
     * Resets to power-on, after all resources are gone: the window is hidden, and empty for the next driver, which may
     * be that of another guest.
     */
    void reset() {
        contexts.clear();
        resets++;
        requested = false;
        visible = false;
        waiting = null;
        SharedWindow present = window;
        if (present == null) return;
        try {
            present.clear(0, places.bytes());
        } catch (ErrnoException e) {
            throw new IllegalStateException("the window cannot be cleared", e);
        }
    }

    /** The region of the window. */
    static SharedRegion region(long bytes) {
        return new SharedRegion(Wire.SHM_ID_HOST_VISIBLE, bytes);
    }
}
