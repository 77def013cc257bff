package sluice.vdev.gpu;

import java.util.UUID;

import sluice.dmacore.memory.Snapshot;

/**
 * The commands of our context type, as VIRTIO_GPU_CMD_SUBMIT_3D carries them; all numbers are little-endian. A command
 * begins with a word: its code in the lower 16 bits, and the number of words behind it in the upper. There is one:
 *
 * <pre>
 * 0x00060001  NAME_OBJECT
 * le64        blob_id, not 0 and not that of a present blob of the context
 * u8[16]      the UUID of an object that a device of the process exports, as in the response of RESOURCE_ASSIGN_UUID
 * </pre>
 *
 * <p>RESOURCE_CREATE_BLOB of VIRTIO_GPU_BLOB_MEM_HOST3D with this blob_id makes a resource of the object, once. The object
 * is looked for then. In Linux both are one call, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, whose cmd is sent before.
 */
final class ContextStream {
    static final int NAME_OBJECT = 1;
    private static final int WORD = 4;
    private static final int CODE_BITS = 16;
    private static final int NAME_WORDS = 6;
    private static final int NAME_BYTES = WORD + NAME_WORDS * WORD;

    private ContextStream() {}

    /** Carries out all commands, or none if one of them is invalid; those before one for which there is no memory stay. */
    static Response execute(ContextCommand.Submit3d command, Contexts contexts) {
        Contexts.Context context = contexts.find(command.contextId());
        if (context == null) return Response.ERR_INVALID_CONTEXT_ID;
        Snapshot bytes = command.bytes();
        long size = command.size();
        if (size > bytes.length() - Wire.Submit3d.BYTES || size % WORD != 0) return Response.ERR_INVALID_PARAMETER;
        int end = Wire.Submit3d.BYTES + (int) size;
        for (int at = Wire.Submit3d.BYTES; at < end; at += NAME_BYTES) {
            if (!isName(bytes, at, end, context)) return Response.ERR_INVALID_PARAMETER;
        }
        for (int at = Wire.Submit3d.BYTES; at < end; at += NAME_BYTES) {
            if (!contexts.name(context, bytes.u64(at + WORD), uuid(bytes, at + WORD + Long.BYTES)))
                return Response.ERR_OUT_OF_MEMORY;
        }
        return Response.OK_NODATA;
    }

    private static boolean isName(Snapshot bytes, int at, int end, Contexts.Context context) {
        if (end - at < NAME_BYTES || bytes.u32(at) != (NAME_WORDS << CODE_BITS | NAME_OBJECT)) return false;
        long blobId = bytes.u64(at + WORD);
        return blobId != HostBlob.NO_BLOB_ID && !context.isTaken(blobId);
    }

    private static UUID uuid(Snapshot bytes, int at) {
        return new UUID(Long.reverseBytes(bytes.u64(at)), Long.reverseBytes(bytes.u64(at + Long.BYTES)));
    }
}
