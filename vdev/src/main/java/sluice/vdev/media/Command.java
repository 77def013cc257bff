package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/** A command of the driver (virtio 1.4 §5.22.6.1), read from its snapshot. */
sealed interface Command {
    /** struct virtio_media_cmd_header. */
    int HEADER_BYTES = 8;
    /** VIRTIO_MEDIA_CMD_OPEN. */
    int OPEN = 1;
    /** VIRTIO_MEDIA_CMD_CLOSE. */
    int CLOSE = 2;
    /** VIRTIO_MEDIA_CMD_IOCTL. */
    int IOCTL = 3;
    /** VIRTIO_MEDIA_CMD_MMAP. */
    int MMAP = 4;
    /** VIRTIO_MEDIA_CMD_MUNMAP. */
    int MUNMAP = 5;

    /** Opens a session. */
    record Open() implements Command {
        static final int BYTES = HEADER_BYTES;
    }

    /** Closes a session; it has no response. */
    record Close(Payload bytes) implements Command {
        static final int BYTES = HEADER_BYTES + 8;

        int session() {
            return bytes.u32(HEADER_BYTES);
        }
    }

    /** An ioctl; its structure follows at {@link #BYTES}. */
    record Control(Payload bytes) implements Command {
        static final int BYTES = HEADER_BYTES + 8;

        int session() {
            return bytes.u32(HEADER_BYTES);
        }

        /** Null if the device does not implement it. */
        @Nullable
        Ioctl ioctl() {
            return Ioctl.ofCode(bytes.u32(HEADER_BYTES + 4));
        }
    }

    /** Maps a plane of a buffer into the driver's address space. */
    record Mmap(Payload bytes) implements Command {
        static final int BYTES = HEADER_BYTES + 12;

        int session() {
            return bytes.u32(HEADER_BYTES);
        }

        /** As QUERYBUF has returned it. */
        long offset() {
            return bytes.u32AsLong(HEADER_BYTES + 8);
        }
    }

    /** Ends a mapping. */
    record Munmap(Payload bytes) implements Command {
        static final int BYTES = HEADER_BYTES + 8;

        /** As MMAP has returned it. */
        long address() {
            return bytes.u64(HEADER_BYTES);
        }
    }
}
