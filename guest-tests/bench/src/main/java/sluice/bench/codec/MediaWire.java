package sluice.bench.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Commands of virtio-media (virtio 1.4 §5.22.6) with the structures of linux/videodev2.h, as a driver writes them. */
final class MediaWire {
    static final int CAPTURE = 9;
    static final int OUTPUT = 10;
    static final int S_FMT = 5;
    static final int REQBUFS = 8;
    static final int QUERYBUF = 9;
    static final int QBUF = 15;
    static final int STREAMON = 18;
    static final int G_CTRL = 27;
    static final int SUBSCRIBE_EVENT = 90;
    static final int DECODER_CMD = 96;
    /** The largest event. */
    static final int EVENT_BYTES = 608;
    static final int EVENT_DQBUF = 1;
    static final int EVENT_OTHER = 2;
    static final int SOURCE_CHANGE = 5;
    static final int FLAG_ERROR = 0x40;
    static final int FLAG_LAST = 0x10_0000;
    static final int MIN_BUFFERS_FOR_CAPTURE = 0x98_0927;
    static final int STOP = 1;
    /** A struct v4l2_buffer with one struct v4l2_plane. */
    static final int BUFFER_BYTES = 88 + 64;
    private static final int FORMAT_BYTES = 208;
    private static final int MEMORY_MMAP = 1;
    private static final int COMMAND_BYTES = 72;
    private static final int SUBSCRIPTION_BYTES = 32;
    private static final int H264 = 'H' | '2' << 8 | '6' << 16 | '4' << 24;

    private MediaWire() {}

    static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static ByteBuffer open() {
        return little(8).putInt(0, 1);
    }

    static ByteBuffer close(int session) {
        return little(16).putInt(0, 2).putInt(8, session);
    }

    static ByteBuffer map(int session, int offset) {
        return little(20).putInt(0, 4).putInt(8, session).putInt(12, 1).putInt(16, offset);
    }

    static ByteBuffer ioctl(int session, int code, ByteBuffer structure) {
        return little(16 + structure.limit()).putInt(0, 3).putInt(8, session).putInt(12, code).put(16, structure, 0,
                structure.limit());
    }

    static ByteBuffer codedFormat(int width, int height, int unitBytes) {
        return little(FORMAT_BYTES).putInt(0, OUTPUT).putInt(8, width).putInt(12, height).putInt(16, H264).putInt(28,
                unitBytes).put(188, (byte) 1);
    }

    static ByteBuffer request(int type, int count) {
        return little(20).putInt(0, count).putInt(4, type).putInt(8, MEMORY_MMAP);
    }

    static ByteBuffer buffer(int type, int index, int used) {
        return little(BUFFER_BYTES).putInt(0, index).putInt(4, type).putInt(60, MEMORY_MMAP).putInt(72, 1).putInt(88,
                used);
    }

    static ByteBuffer stream(int type) {
        return little(4).putInt(0, type);
    }

    static ByteBuffer control(int id) {
        return little(8).putInt(0, id);
    }

    static ByteBuffer subscription(int type) {
        return little(SUBSCRIPTION_BYTES).putInt(0, type);
    }

    static ByteBuffer command(int which) {
        return little(COMMAND_BYTES).putInt(0, which);
    }
}
