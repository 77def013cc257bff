package sluice.vdev.gpu;

import sluice.dmacore.memory.Snapshot;

/** A command of contexts and of host memory (virtio 1.3 §5.7.6.8), decoded: {@link HostBlobCommands} executes it. */
sealed interface ContextCommand extends Command {
    /** The context in the header. */
    default int contextId() {
        return bytes().u32(Wire.Header.CTX_ID);
    }

    /** VIRTIO_GPU_CMD_GET_CAPSET_INFO. */
    record GetCapsetInfo(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.GET_CAPSET_INFO;
        }

        int index() {
            return bytes.u32(Wire.GetCapsetInfo.INDEX);
        }
    }

    /** VIRTIO_GPU_CMD_GET_CAPSET. */
    record GetCapset(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.GET_CAPSET;
        }

        int id() {
            return bytes.u32(Wire.GetCapset.ID);
        }

        int version() {
            return bytes.u32(Wire.GetCapset.VERSION);
        }
    }

    /** VIRTIO_GPU_CMD_CTX_CREATE. */
    record ContextCreate(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.CTX_CREATE;
        }

        /** Bytes of the debug name, 0 to 2^32 − 1. */
        long nameLength() {
            return bytes.u32AsLong(Wire.ContextCreate.NAME_LENGTH);
        }

        /** The capset id in the lowest byte. */
        int contextInit() {
            return bytes.u32(Wire.ContextCreate.CONTEXT_INIT);
        }
    }

    /** VIRTIO_GPU_CMD_CTX_DESTROY. */
    record ContextDestroy(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.CTX_DESTROY;
        }
    }

    /** VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE. */
    record ContextAttach(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.CTX_ATTACH_RESOURCE;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }

    /** VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE. */
    record ContextDetach(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.CTX_DETACH_RESOURCE;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }

    /** VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, of bytes: a blob has one dimension. */
    record TransferToHost3d(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.TRANSFER_TO_HOST_3D;
        }

        int resourceId() {
            return bytes.u32(Wire.TransferHost3d.RESOURCE_ID);
        }

        /** A number of the box: 0 to 5 are x, y, z, w, h, d; 0 to 2^32 − 1. */
        long box(int index) {
            return bytes.u32AsLong(Wire.TransferHost3d.BOX + index * Integer.BYTES);
        }

        /** Of the first byte in the guest's pages; negative for 2^63 and more. */
        long offset() {
            return bytes.u64(Wire.TransferHost3d.OFFSET);
        }
    }

    /** VIRTIO_GPU_CMD_SUBMIT_3D: commands of the context's type, {@link ContextStream}. */
    record Submit3d(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.SUBMIT_3D;
        }

        /** Bytes of the commands, 0 to 2^32 − 1. */
        long size() {
            return bytes.u32AsLong(Wire.Submit3d.SIZE);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB. */
    record ResourceMapBlob(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_MAP_BLOB;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceMapBlob.RESOURCE_ID);
        }

        /** In the window, in bytes; negative for 2^63 and more. */
        long offset() {
            return bytes.u64(Wire.ResourceMapBlob.OFFSET);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB. */
    record ResourceUnmapBlob(Snapshot bytes) implements ContextCommand {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_UNMAP_BLOB;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }
}
