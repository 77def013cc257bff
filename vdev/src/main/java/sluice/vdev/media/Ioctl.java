package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/**
 * The ioctls that the device implements, with number, size and direction of linux/videodev2.h. All others, and those that
 * the protocol replaces (QUERYCAP, DQBUF, DQEVENT, G/S_JPEGCOMP, LOG_STATUS), are answered with ENOTTY.
 */
enum Ioctl {
    ENUM_FMT(2, Struct.FmtDesc.BYTES, true, true),
    G_FMT(4, Struct.Format.BYTES, true, true),
    S_FMT(5, Struct.Format.BYTES, true, true),
    REQBUFS(8, Struct.RequestBuffers.BYTES, true, true),
    QUERYBUF(9, Struct.Buffer.BYTES, true, true),
    QBUF(15, Struct.Buffer.BYTES, true, true),
    EXPBUF(16, Struct.ExportBuffer.BYTES, true, true),
    STREAMON(18, Integer.BYTES, true, false),
    STREAMOFF(19, Integer.BYTES, true, false),
    G_PARM(21, Struct.Parameters.BYTES, true, true),
    S_PARM(22, Struct.Parameters.BYTES, true, true),
    G_CTRL(27, Struct.Control.BYTES, true, true),
    S_CTRL(28, Struct.Control.BYTES, true, true),
    QUERYCTRL(36, Struct.QueryControl.BYTES, true, true),
    QUERYMENU(37, Struct.QueryMenu.BYTES, true, true),
    TRY_FMT(64, Struct.Format.BYTES, true, true),
    G_EXT_CTRLS(71, Struct.ExtControls.BYTES, true, true),
    S_EXT_CTRLS(72, Struct.ExtControls.BYTES, true, true),
    TRY_EXT_CTRLS(73, Struct.ExtControls.BYTES, true, true),
    ENUM_FRAMESIZES(74, Struct.FrameSize.BYTES, true, true),
    ENCODER_CMD(77, Struct.ENCODER_COMMAND_BYTES, true, true),
    TRY_ENCODER_CMD(78, Struct.ENCODER_COMMAND_BYTES, true, true),
    SUBSCRIBE_EVENT(90, Struct.Subscription.BYTES, true, false),
    UNSUBSCRIBE_EVENT(91, Struct.Subscription.BYTES, true, false),
    CREATE_BUFS(92, Struct.CreateBuffers.BYTES, true, true),
    PREPARE_BUF(93, Struct.Buffer.BYTES, true, true),
    G_SELECTION(94, Struct.Selection.BYTES, true, true),
    S_SELECTION(95, Struct.Selection.BYTES, true, true),
    DECODER_CMD(96, Struct.CodecCommand.BYTES, true, true),
    TRY_DECODER_CMD(97, Struct.CodecCommand.BYTES, true, true),
    QUERY_EXT_CTRL(103, Struct.QueryExtControl.BYTES, true, true),
    REMOVE_BUFS(104, Struct.RemoveBuffers.BYTES, true, true);

    private static final @Nullable Ioctl[] BY_CODE = new Ioctl[256];

    static {
        for (Ioctl ioctl : values()) BY_CODE[ioctl.code] = ioctl;
    }

    private final int code;
    private final int bytes;
    private final boolean writes;
    private final boolean reads;

    /**
     * @param code number, the second argument of its macro
     * @param bytes of its structure, without what its pointers point to
     * @param writes whether the driver gives the structure
     * @param reads whether the driver gets it back
     */
    Ioctl(int code, int bytes, boolean writes, boolean reads) {
        this.code = code;
        this.bytes = bytes;
        this.writes = writes;
        this.reads = reads;
    }

    /** The ioctl of a code, or null. */
    static @Nullable Ioctl ofCode(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : null;
    }

    int code() {
        return code;
    }

    int bytes() {
        return bytes;
    }

    boolean writes() {
        return writes;
    }

    boolean reads() {
        return reads;
    }
}
