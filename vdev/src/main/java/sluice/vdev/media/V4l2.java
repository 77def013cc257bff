package sluice.vdev.media;

/** Constants of linux/videodev2.h and linux/v4l2-controls.h. */
final class V4l2 {
    static final int CAP_VIDEO_M2M_MPLANE = 0x4000;
    static final int CAP_EXT_PIX_FORMAT = 0x20_0000;
    static final int CAP_STREAMING = 0x400_0000;

    static final int BUF_TYPE_CAPTURE = 1;
    static final int BUF_TYPE_OUTPUT = 2;
    static final int BUF_TYPE_CAPTURE_MPLANE = 9;
    static final int BUF_TYPE_OUTPUT_MPLANE = 10;

    static final int MEMORY_MMAP = 1;
    static final int MEMORY_USERPTR = 2;
    static final int MEMORY_DMABUF = 4;

    static final int BUF_CAP_MMAP = 1;
    static final int BUF_CAP_USERPTR = 2;
    static final int BUF_CAP_DMABUF = 4;
    static final int BUF_CAP_ORPHANED = 0x10;
    static final int BUF_CAP_MAX_NUM = 0x80;
    static final int BUF_CAP_REMOVE = 0x100;

    static final int BUF_MAPPED = 1;
    static final int BUF_QUEUED = 2;
    static final int BUF_DONE = 4;
    static final int BUF_KEYFRAME = 8;
    static final int BUF_PFRAME = 0x10;
    static final int BUF_ERROR = 0x40;
    static final int BUF_TIMECODE = 0x100;
    static final int BUF_PREPARED = 0x400;
    static final int BUF_NO_CACHE_INVALIDATE = 0x800;
    static final int BUF_NO_CACHE_CLEAN = 0x1000;
    static final int BUF_TIMESTAMP_COPY = 0x4000;
    static final int BUF_TSTAMP_SRC = 0x7_0000;
    static final int BUF_LAST = 0x10_0000;
    static final int BUF_REQUEST_FD = 0x80_0000;

    static final int FIELD_NONE = 1;
    static final int FIELD_ALTERNATE = 7;

    static final int FMT_COMPRESSED = 1;
    static final int FMT_DYN_RESOLUTION = 8;
    static final int FMT_ENC_CAP_FRAME_INTERVAL = 0x10;
    static final int FRMSIZE_CONTINUOUS = 2;
    static final int FRMSIZE_STEPWISE = 3;

    static final int EVENT_ALL = 0;
    static final int EVENT_EOS = 2;
    static final int EVENT_CTRL = 3;
    static final int EVENT_SOURCE_CHANGE = 5;
    static final int EVENT_SEND_INITIAL = 1;
    static final int CHANGED_RESOLUTION = 1;
    static final int CHANGED_VALUE = 1;
    static final int CHANGED_FLAGS = 2;

    /** V4L2_DEC_CMD_START, and V4L2_ENC_CMD_START. */
    static final int CMD_START = 0;
    /** V4L2_DEC_CMD_STOP, and V4L2_ENC_CMD_STOP. */
    static final int CMD_STOP = 1;

    static final int SEL_CROP = 0;
    static final int SEL_CROP_DEFAULT = 1;
    static final int SEL_CROP_BOUNDS = 2;
    static final int SEL_COMPOSE = 0x100;
    static final int SEL_COMPOSE_DEFAULT = 0x101;
    static final int SEL_COMPOSE_BOUNDS = 0x102;
    static final int SEL_COMPOSE_PADDED = 0x103;

    static final int CTRL_INTEGER = 1;
    static final int CTRL_BOOLEAN = 2;
    static final int CTRL_MENU = 3;
    static final int CTRL_BUTTON = 4;
    static final int CTRL_CLASS = 6;
    static final int CTRL_READ_ONLY = 4;
    static final int CTRL_WRITE_ONLY = 0x40;
    static final int CTRL_EXECUTE_ON_WRITE = 0x200;
    static final int CTRL_NEXT = 0x8000_0000;
    static final int CTRL_NEXT_COMPOUND = 0x4000_0000;
    static final int CTRL_WHICH_DEFAULT = 0x0f00_0000;
    static final int CID_USER_CLASS = 0x98_0001;
    static final int CID_MIN_BUFFERS_FOR_CAPTURE = 0x98_0927;
    static final int CID_MIN_BUFFERS_FOR_OUTPUT = 0x98_0928;
    static final int CID_CODEC_CLASS = 0x99_0001;

    /** Invalid request descriptor: what Linux answers where requests are not supported. */
    static final int EBADR = 53;

    private V4l2() {}

    /** The number that four characters stand for. */
    static int fourcc(String four) {
        return four.charAt(0) | four.charAt(1) << 8 | four.charAt(2) << 16 | four.charAt(3) << 24;
    }
}
