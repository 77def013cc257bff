package sluice.vdev.gpu;

import sluice.dmacore.memory.Snapshot;

/**
 * A command of the driver (virtio 1.3 §5.7.6.7), decoded: its fields, in host byte order. {@link Commands} checks and
 * executes it.
 *
 * <p>Each record reads from the last snapshot of its {@link CommandDecoder}. A decoder has one record of each kind, so
 * decoding allocates nothing, and a command is valid until the next one is decoded.
 */
sealed interface Command
        permits Command.GetDisplayInfo, Command.GetEdid, Command.ResourceCreate2d, Command.ResourceUnref,
        Command.ResourceDetachBacking, Command.ResourceAssignUuid, Command.ResourceAttachBacking,
        Command.ResourceCreateBlob, Command.SetScanoutBlob, Command.TransferToHost2d, Command.SetScanout,
        Command.ResourceFlush,
        Command.CursorCommand, ContextCommand {
    /** The snapshot of its bytes, with at least the size of its type. */
    Snapshot bytes();

    /** Its type. */
    CommandType type();

    /** VIRTIO_GPU_CMD_GET_DISPLAY_INFO. */
    record GetDisplayInfo(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.GET_DISPLAY_INFO;
        }
    }

    /** VIRTIO_GPU_CMD_GET_EDID. */
    record GetEdid(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.GET_EDID;
        }

        int scanoutId() {
            return bytes.u32(Wire.GetEdid.SCANOUT);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_CREATE_2D; width and height are 0 to 2^32 − 1 pixels. */
    record ResourceCreate2d(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_CREATE_2D;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceCreate2d.RESOURCE_ID);
        }

        int format() {
            return bytes.u32(Wire.ResourceCreate2d.FORMAT);
        }

        long width() {
            return bytes.u32AsLong(Wire.ResourceCreate2d.WIDTH);
        }

        long height() {
            return bytes.u32AsLong(Wire.ResourceCreate2d.HEIGHT);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_UNREF. */
    record ResourceUnref(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_UNREF;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING. */
    record ResourceDetachBacking(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_DETACH_BACKING;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID. */
    record ResourceAssignUuid(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_ASSIGN_UUID;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceOnly.RESOURCE_ID);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING; its entries are behind the fixed part, if they were sent. */
    record ResourceAttachBacking(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_ATTACH_BACKING;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceAttachBacking.RESOURCE_ID);
        }

        /** Entries announced, 0 to 2^32 − 1. */
        long entries() {
            return bytes.u32AsLong(Wire.ResourceAttachBacking.NR_ENTRIES);
        }

        /** Whether all entries announced were sent. */
        boolean isWhole() {
            return bytes.length() >= Wire.ResourceAttachBacking.BYTES
                    + entries() * Wire.ResourceAttachBacking.ENTRY_BYTES;
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB; its entries are behind the fixed part, if they were sent. */
    record ResourceCreateBlob(Snapshot bytes) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_CREATE_BLOB;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceCreateBlob.RESOURCE_ID);
        }

        /** Its memory: a wire value of {@link BlobMemory}, possibly invalid. */
        int memory() {
            return bytes.u32(Wire.ResourceCreateBlob.BLOB_MEM);
        }

        int flags() {
            return bytes.u32(Wire.ResourceCreateBlob.BLOB_FLAGS);
        }

        /** Of host memory. */
        int contextId() {
            return bytes.u32(Wire.Header.CTX_ID);
        }

        /** Entries announced, 0 to 2^32 − 1. */
        long entries() {
            return bytes.u32AsLong(Wire.ResourceCreateBlob.NR_ENTRIES);
        }

        /** Id of the object in its context, for host memory. */
        long blobId() {
            return bytes.u64(Wire.ResourceCreateBlob.BLOB_ID);
        }

        /** Bytes; negative for 2^63 and more. */
        long size() {
            return bytes.u64(Wire.ResourceCreateBlob.SIZE);
        }

        /** Whether all entries announced were sent. */
        boolean isWhole() {
            return bytes.length() >= Wire.ResourceCreateBlob.BYTES
                    + entries() * Wire.ResourceAttachBacking.ENTRY_BYTES;
        }
    }

    /** VIRTIO_GPU_CMD_SET_SCANOUT_BLOB. */
    record SetScanoutBlob(Snapshot bytes, RecentRectangles recent) implements Command {
        @Override
        public CommandType type() {
            return CommandType.SET_SCANOUT_BLOB;
        }

        int scanoutId() {
            return bytes.u32(Wire.SetScanoutBlob.SCANOUT_ID);
        }

        /** 0 switches the scan-out off. */
        int resourceId() {
            return bytes.u32(Wire.SetScanoutBlob.RESOURCE_ID);
        }

        Rectangle area() {
            return recent.read(bytes, Wire.SetScanoutBlob.RECT);
        }

        /** Of the picture in the blob, in pixels, 0 to 2^32 − 1. */
        long width() {
            return bytes.u32AsLong(Wire.SetScanoutBlob.WIDTH);
        }

        long height() {
            return bytes.u32AsLong(Wire.SetScanoutBlob.HEIGHT);
        }

        int format() {
            return bytes.u32(Wire.SetScanoutBlob.FORMAT);
        }

        /** Bytes from one row to the next, 0 to 2^32 − 1. */
        long stride() {
            return bytes.u32AsLong(Wire.SetScanoutBlob.STRIDES);
        }

        /** Of the picture's first byte in the blob, 0 to 2^32 − 1. */
        long offset() {
            return bytes.u32AsLong(Wire.SetScanoutBlob.OFFSETS);
        }
    }

    /** VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D. */
    record TransferToHost2d(Snapshot bytes, RecentRectangles recent) implements Command {
        @Override
        public CommandType type() {
            return CommandType.TRANSFER_TO_HOST_2D;
        }

        int resourceId() {
            return bytes.u32(Wire.TransferToHost2d.RESOURCE_ID);
        }

        Rectangle area() {
            return recent.read(bytes, Wire.TransferToHost2d.RECT);
        }

        /** Of the area's first byte in the backing; negative for 2^63 and more. */
        long offset() {
            return bytes.u64(Wire.TransferToHost2d.OFFSET);
        }
    }

    /** VIRTIO_GPU_CMD_SET_SCANOUT. */
    record SetScanout(Snapshot bytes, RecentRectangles recent) implements Command {
        @Override
        public CommandType type() {
            return CommandType.SET_SCANOUT;
        }

        int scanoutId() {
            return bytes.u32(Wire.SetScanout.SCANOUT_ID);
        }

        /** 0 switches the scan-out off. */
        int resourceId() {
            return bytes.u32(Wire.SetScanout.RESOURCE_ID);
        }

        Rectangle area() {
            return recent.read(bytes, Wire.SetScanout.RECT);
        }
    }

    /** VIRTIO_GPU_CMD_RESOURCE_FLUSH. */
    record ResourceFlush(Snapshot bytes, RecentRectangles recent) implements Command {
        @Override
        public CommandType type() {
            return CommandType.RESOURCE_FLUSH;
        }

        int resourceId() {
            return bytes.u32(Wire.ResourceFlush.RESOURCE_ID);
        }

        Rectangle area() {
            return recent.read(bytes, Wire.ResourceFlush.RECT);
        }
    }

    /** Commands of the cursor queue. Positions are in pixels. */
    sealed interface CursorCommand extends Command {
        default int scanoutId() {
            return bytes().u32(Wire.Cursor.SCANOUT_ID);
        }

        default int x() {
            return bytes().u32(Wire.Cursor.X);
        }

        default int y() {
            return bytes().u32(Wire.Cursor.Y);
        }
    }

    /** VIRTIO_GPU_CMD_UPDATE_CURSOR. */
    record UpdateCursor(Snapshot bytes) implements CursorCommand {
        @Override
        public CommandType type() {
            return CommandType.UPDATE_CURSOR;
        }

        /** 0 hides the cursor. */
        int resourceId() {
            return bytes.u32(Wire.Cursor.RESOURCE_ID);
        }

        int hotX() {
            return bytes.u32(Wire.Cursor.HOT_X);
        }

        int hotY() {
            return bytes.u32(Wire.Cursor.HOT_Y);
        }
    }

    /** VIRTIO_GPU_CMD_MOVE_CURSOR; all its fields but the position are ignored (§5.7.6.10). */
    record MoveCursor(Snapshot bytes) implements CursorCommand {
        @Override
        public CommandType type() {
            return CommandType.MOVE_CURSOR;
        }
    }
}
