package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** The supported commands (virtio 1.3 §5.7.6.7, enum virtio_gpu_ctrl_type), with their minimum sizes. */
public enum CommandType {
    GET_DISPLAY_INFO(0x100, Wire.Header.BYTES),
    RESOURCE_CREATE_2D(0x101, Wire.ResourceCreate2d.BYTES),
    RESOURCE_UNREF(0x102, Wire.ResourceOnly.BYTES),
    SET_SCANOUT(0x103, Wire.SetScanout.BYTES),
    RESOURCE_FLUSH(0x104, Wire.ResourceFlush.BYTES),
    TRANSFER_TO_HOST_2D(0x105, Wire.TransferToHost2d.BYTES),
    RESOURCE_ATTACH_BACKING(0x106, Wire.ResourceAttachBacking.BYTES),
    RESOURCE_DETACH_BACKING(0x107, Wire.ResourceOnly.BYTES),
    GET_CAPSET_INFO(0x108, Wire.GetCapsetInfo.BYTES),
    GET_CAPSET(0x109, Wire.GetCapset.BYTES),
    GET_EDID(0x10a, Wire.GetEdid.BYTES),
    RESOURCE_ASSIGN_UUID(0x10b, Wire.ResourceOnly.BYTES),
    RESOURCE_CREATE_BLOB(0x10c, Wire.ResourceCreateBlob.BYTES),
    SET_SCANOUT_BLOB(0x10d, Wire.SetScanoutBlob.BYTES),
    CTX_CREATE(0x200, Wire.ContextCreate.BYTES),
    CTX_DESTROY(0x201, Wire.Header.BYTES),
    CTX_ATTACH_RESOURCE(0x202, Wire.ResourceOnly.BYTES),
    CTX_DETACH_RESOURCE(0x203, Wire.ResourceOnly.BYTES),
    TRANSFER_TO_HOST_3D(0x205, Wire.TransferHost3d.BYTES),
    SUBMIT_3D(0x207, Wire.Submit3d.BYTES),
    RESOURCE_MAP_BLOB(0x208, Wire.ResourceMapBlob.BYTES),
    RESOURCE_UNMAP_BLOB(0x209, Wire.ResourceOnly.BYTES),
    UPDATE_CURSOR(0x300, Wire.Cursor.BYTES),
    MOVE_CURSOR(0x301, Wire.Cursor.BYTES);

    private final int wireNumber;
    private final int bytes;

    CommandType(int wireNumber, int bytes) {
        this.wireNumber = wireNumber;
        this.bytes = bytes;
    }

    public int wireNumber() {
        return wireNumber;
    }

    /** The minimum size of the command in bytes. */
    int bytes() {
        return bytes;
    }

    /** The command of a wire value, or null. */
    public static @Nullable CommandType ofWire(int number) {
        return switch (number) {
            case 0x100 -> GET_DISPLAY_INFO;
            case 0x101 -> RESOURCE_CREATE_2D;
            case 0x102 -> RESOURCE_UNREF;
            case 0x103 -> SET_SCANOUT;
            case 0x104 -> RESOURCE_FLUSH;
            case 0x105 -> TRANSFER_TO_HOST_2D;
            case 0x106 -> RESOURCE_ATTACH_BACKING;
            case 0x107 -> RESOURCE_DETACH_BACKING;
            case 0x108 -> GET_CAPSET_INFO;
            case 0x109 -> GET_CAPSET;
            case 0x10a -> GET_EDID;
            case 0x10b -> RESOURCE_ASSIGN_UUID;
            case 0x10c -> RESOURCE_CREATE_BLOB;
            case 0x10d -> SET_SCANOUT_BLOB;
            case 0x200 -> CTX_CREATE;
            case 0x201 -> CTX_DESTROY;
            case 0x202 -> CTX_ATTACH_RESOURCE;
            case 0x203 -> CTX_DETACH_RESOURCE;
            case 0x205 -> TRANSFER_TO_HOST_3D;
            case 0x207 -> SUBMIT_3D;
            case 0x208 -> RESOURCE_MAP_BLOB;
            case 0x209 -> RESOURCE_UNMAP_BLOB;
            case 0x300 -> UPDATE_CURSOR;
            case 0x301 -> MOVE_CURSOR;
            default -> null;
        };
    }
}
