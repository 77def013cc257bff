package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Runs;
import sluice.dmacore.memory.Snapshot;

/** Takes a snapshot of a command, which the guest may change at any time, and decodes it. */
final class CommandDecoder {
    private final Snapshot bytes;
    private final Command.GetDisplayInfo getDisplayInfo;
    private final Command.GetEdid getEdid;
    private final Command.ResourceCreate2d resourceCreate2d;
    private final Command.ResourceUnref resourceUnref;
    private final Command.ResourceAttachBacking resourceAttachBacking;
    private final Command.ResourceDetachBacking resourceDetachBacking;
    private final Command.ResourceAssignUuid resourceAssignUuid;
    private final Command.ResourceCreateBlob resourceCreateBlob;
    private final Command.SetScanoutBlob setScanoutBlob;
    private final Command.TransferToHost2d transferToHost2d;
    private final Command.SetScanout setScanout;
    private final Command.ResourceFlush resourceFlush;
    private final ContextCommand.GetCapsetInfo getCapsetInfo;
    private final ContextCommand.GetCapset getCapset;
    private final ContextCommand.ContextCreate contextCreate;
    private final ContextCommand.ContextDestroy contextDestroy;
    private final ContextCommand.ContextAttach contextAttach;
    private final ContextCommand.ContextDetach contextDetach;
    private final ContextCommand.TransferToHost3d transferToHost3d;
    private final ContextCommand.Submit3d submit3d;
    private final ContextCommand.ResourceMapBlob resourceMapBlob;
    private final ContextCommand.ResourceUnmapBlob resourceUnmapBlob;
    private final Command.UpdateCursor updateCursor;
    private final Command.MoveCursor moveCursor;

    /** @param limit largest command in bytes */
    CommandDecoder(int limit) {
        bytes = new Snapshot(limit);
        getDisplayInfo = new Command.GetDisplayInfo(bytes);
        getEdid = new Command.GetEdid(bytes);
        resourceCreate2d = new Command.ResourceCreate2d(bytes);
        resourceUnref = new Command.ResourceUnref(bytes);
        resourceAttachBacking = new Command.ResourceAttachBacking(bytes);
        resourceDetachBacking = new Command.ResourceDetachBacking(bytes);
        resourceAssignUuid = new Command.ResourceAssignUuid(bytes);
        resourceCreateBlob = new Command.ResourceCreateBlob(bytes);
        setScanoutBlob = new Command.SetScanoutBlob(bytes, new RecentRectangles());
        transferToHost2d = new Command.TransferToHost2d(bytes, new RecentRectangles());
        setScanout = new Command.SetScanout(bytes, new RecentRectangles());
        resourceFlush = new Command.ResourceFlush(bytes, new RecentRectangles());
        getCapsetInfo = new ContextCommand.GetCapsetInfo(bytes);
        getCapset = new ContextCommand.GetCapset(bytes);
        contextCreate = new ContextCommand.ContextCreate(bytes);
        contextDestroy = new ContextCommand.ContextDestroy(bytes);
        contextAttach = new ContextCommand.ContextAttach(bytes);
        contextDetach = new ContextCommand.ContextDetach(bytes);
        transferToHost3d = new ContextCommand.TransferToHost3d(bytes);
        submit3d = new ContextCommand.Submit3d(bytes);
        resourceMapBlob = new ContextCommand.ResourceMapBlob(bytes);
        resourceUnmapBlob = new ContextCommand.ResourceUnmapBlob(bytes);
        updateCursor = new Command.UpdateCursor(bytes);
        moveCursor = new Command.MoveCursor(bytes);
    }

    /**
     * Takes the snapshot of {@code length} bytes.
     *
     * @return false, without a snapshot, if it exceeds the limit
     */
    boolean take(Runs from, long length) {
        return bytes.take(from, 0, length);
    }

    /** The last snapshot, complete or not. */
    Snapshot bytes() {
        return bytes;
    }

    /** The last command, or null if its type is unknown or it is too short for its type. */
    @Nullable
    Command decode() {
        if (bytes.length() < Wire.Header.BYTES) return null;
        CommandType type = CommandType.ofWire(bytes.u32(Wire.Header.TYPE));
        if (type == null || bytes.length() < type.bytes()) return null;
        return switch (type) {
            case GET_DISPLAY_INFO -> getDisplayInfo;
            case GET_EDID -> getEdid;
            case RESOURCE_CREATE_2D -> resourceCreate2d;
            case RESOURCE_UNREF -> resourceUnref;
            case RESOURCE_ATTACH_BACKING -> resourceAttachBacking;
            case RESOURCE_DETACH_BACKING -> resourceDetachBacking;
            case RESOURCE_ASSIGN_UUID -> resourceAssignUuid;
            case RESOURCE_CREATE_BLOB -> resourceCreateBlob;
            case SET_SCANOUT_BLOB -> setScanoutBlob;
            case TRANSFER_TO_HOST_2D -> transferToHost2d;
            case SET_SCANOUT -> setScanout;
            case RESOURCE_FLUSH -> resourceFlush;
            case GET_CAPSET_INFO -> getCapsetInfo;
            case GET_CAPSET -> getCapset;
            case CTX_CREATE -> contextCreate;
            case CTX_DESTROY -> contextDestroy;
            case CTX_ATTACH_RESOURCE -> contextAttach;
            case CTX_DETACH_RESOURCE -> contextDetach;
            case TRANSFER_TO_HOST_3D -> transferToHost3d;
            case SUBMIT_3D -> submit3d;
            case RESOURCE_MAP_BLOB -> resourceMapBlob;
            case RESOURCE_UNMAP_BLOB -> resourceUnmapBlob;
            case UPDATE_CURSOR -> updateCursor;
            case MOVE_CURSOR -> moveCursor;
        };
    }
}
