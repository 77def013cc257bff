package sluice.vdev.gpu;

/**
 * Layout of the commands and responses (virtio 1.3 §5.7.6.7, linux/virtio_gpu.h): offsets and sizes in bytes, all
 * numbers little-endian. A test compares them with the C header.
 */
final class Wire {
    /** VIRTIO_GPU_SHM_ID_HOST_VISIBLE: the shared memory region of host blobs. */
    static final int SHM_ID_HOST_VISIBLE = 1;

    private Wire() {}

    /** struct virtio_gpu_ctrl_hdr: begins every command and every response. */
    static final class Header {
        static final int TYPE = 0;
        static final int FLAGS = 4;
        static final int FENCE_ID = 8;
        static final int CTX_ID = 16;
        static final int RING_IDX = 20;
        static final int BYTES = 24;

        /** The response waits for the command's effect and carries the command's fence_id. */
        static final int FLAG_FENCE = 1 << 0;
        /** The fence is of the context's ring ring_idx. */
        static final int FLAG_INFO_RING_IDX = 1 << 1;

        private Header() {}
    }

    /** struct virtio_gpu_rect. */
    static final class Rect {
        static final int X = 0;
        static final int Y = 4;
        static final int WIDTH = 8;
        static final int HEIGHT = 12;
        static final int BYTES = 16;

        private Rect() {}
    }

    static final class GetEdid {
        static final int SCANOUT = 24;
        static final int BYTES = 32;

        private GetEdid() {}
    }

    static final class ResourceCreate2d {
        static final int RESOURCE_ID = 24;
        static final int FORMAT = 28;
        static final int WIDTH = 32;
        static final int HEIGHT = 36;
        static final int BYTES = 40;

        private ResourceCreate2d() {}
    }

    /** RESOURCE_UNREF, _DETACH_BACKING, _ASSIGN_UUID and _UNMAP_BLOB, CTX_ATTACH_RESOURCE and CTX_DETACH_RESOURCE. */
    static final class ResourceOnly {
        static final int RESOURCE_ID = 24;
        static final int BYTES = 32;

        private ResourceOnly() {}
    }

    static final class SetScanout {
        static final int RECT = 24;
        static final int SCANOUT_ID = 40;
        static final int RESOURCE_ID = 44;
        static final int BYTES = 48;

        private SetScanout() {}
    }

    static final class ResourceFlush {
        static final int RECT = 24;
        static final int RESOURCE_ID = 40;
        static final int BYTES = 48;

        private ResourceFlush() {}
    }

    static final class TransferToHost2d {
        static final int RECT = 24;
        static final int OFFSET = 40;
        static final int RESOURCE_ID = 48;
        static final int BYTES = 56;

        private TransferToHost2d() {}
    }

    static final class ResourceAttachBacking {
        static final int RESOURCE_ID = 24;
        static final int NR_ENTRIES = 28;
        /** The entries follow: {u64 addr, u32 length, u32 padding}. */
        static final int BYTES = 32;
        static final int ENTRY_BYTES = 16;
        static final int ENTRY_LENGTH = 8;

        private ResourceAttachBacking() {}
    }

    static final class ResourceCreateBlob {
        static final int RESOURCE_ID = 24;
        static final int BLOB_MEM = 28;
        static final int BLOB_FLAGS = 32;
        static final int NR_ENTRIES = 36;
        static final int BLOB_ID = 40;
        static final int SIZE = 48;
        /** The entries follow, as those of {@link ResourceAttachBacking}. */
        static final int BYTES = 56;

        private ResourceCreateBlob() {}
    }

    static final class SetScanoutBlob {
        static final int RECT = 24;
        static final int SCANOUT_ID = 40;
        static final int RESOURCE_ID = 44;
        static final int WIDTH = 48;
        static final int HEIGHT = 52;
        static final int FORMAT = 56;
        /** Of four planes, of which our formats have one. */
        static final int STRIDES = 64;
        static final int OFFSETS = 80;
        static final int BYTES = 96;

        private SetScanoutBlob() {}
    }

    static final class GetCapsetInfo {
        static final int INDEX = 24;
        static final int BYTES = 32;

        private GetCapsetInfo() {}
    }

    static final class GetCapset {
        static final int ID = 24;
        static final int VERSION = 28;
        static final int BYTES = 32;

        private GetCapset() {}
    }

    /** CTX_CREATE; the context is that of the header. */
    static final class ContextCreate {
        static final int NAME_LENGTH = 24;
        static final int CONTEXT_INIT = 28;
        static final int NAME_BYTES = 64;
        static final int BYTES = 96;

        private ContextCreate() {}
    }

    static final class TransferHost3d {
        /** struct virtio_gpu_box: x, y, z, w, h, d. */
        static final int BOX = 24;
        static final int OFFSET = 48;
        static final int RESOURCE_ID = 56;
        static final int BYTES = 72;

        private TransferHost3d() {}
    }

    /** struct virtio_gpu_cmd_submit; the commands follow. */
    static final class Submit3d {
        static final int SIZE = 24;
        static final int BYTES = 32;

        private Submit3d() {}
    }

    static final class ResourceMapBlob {
        static final int RESOURCE_ID = 24;
        static final int OFFSET = 32;
        static final int BYTES = 40;

        private ResourceMapBlob() {}
    }

    /** UPDATE_CURSOR and MOVE_CURSOR. */
    static final class Cursor {
        static final int SCANOUT_ID = 24;
        static final int X = 28;
        static final int Y = 32;
        static final int RESOURCE_ID = 40;
        static final int HOT_X = 44;
        static final int HOT_Y = 48;
        static final int BYTES = 56;

        private Cursor() {}
    }

    /** struct virtio_gpu_resp_display_info: a header, then 16 times {rect, enabled, flags}. */
    static final class DisplayInfo {
        static final int MODES = 24;
        static final int MODE_BYTES = 24;
        static final int ENABLED = 16;
        static final int BYTES = MODES + 16 * MODE_BYTES;

        private DisplayInfo() {}
    }

    /** struct virtio_gpu_resp_capset_info. */
    static final class CapsetInfo {
        static final int ID = 24;
        static final int MAX_VERSION = 28;
        static final int MAX_SIZE = 32;
        static final int BYTES = 40;

        private CapsetInfo() {}
    }

    /** struct virtio_gpu_resp_capset, with the capset of {@link Contexts}. */
    static final class Capset {
        static final int VERSION = 24;
        static final int WINDOW_BYTES = 32;
        static final int DATA_BYTES = 16;
        static final int BYTES = 24 + DATA_BYTES;

        private Capset() {}
    }

    /** struct virtio_gpu_resp_map_info. */
    static final class MapInfo {
        static final int INFO = 24;
        /** VIRTIO_GPU_MAP_CACHE_CACHED. */
        static final int CACHED = 1;
        static final int BYTES = 32;

        private MapInfo() {}
    }

    /** struct virtio_gpu_resp_resource_uuid. */
    static final class ResourceUuid {
        static final int UUID = 24;
        static final int UUID_BYTES = 16;
        static final int BYTES = UUID + UUID_BYTES;

        private ResourceUuid() {}
    }

    /** struct virtio_gpu_resp_edid. */
    static final class Edid {
        static final int SIZE = 24;
        static final int DATA = 32;
        static final int MAX_DATA = 1024;
        static final int BYTES = DATA + MAX_DATA;

        private Edid() {}
    }

    /** struct virtio_gpu_config. */
    static final class Config {
        static final int EVENTS_READ = 0;
        static final int EVENTS_CLEAR = 4;
        static final int NUM_SCANOUTS = 8;
        static final int NUM_CAPSETS = 12;
        /** Since virtio 1.4; QEMU 11.1 asks for it, 10.0 for the first 16 bytes only. */
        static final int BLOB_ALIGNMENT = 16;
        static final int BYTES = 20;

        private Config() {}
    }
}
