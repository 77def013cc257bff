package sluice.vdev.vhostuser;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VhostUserRequest;

/** Front-ends to begin fuzzing with: how QEMU starts, and what none may say. */
final class MessageSeeds {
    private static final int VERSION = 1;
    private static final int REPLY = 4;
    private static final int NEED_REPLY = 8;
    private static final long USER = 0x10_0000;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static Map<String, byte[]> all() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("a-start-and-a-stop", negotiated().say(VhostUserRequest.SET_MEM_TABLE,
                MessageFuzzTest.MEMORY | 1, longs(1, 0, MessageFuzzTest.MEMORY_BYTES, USER, 0)).rings(0x1000).rings(0)
                .say(VhostUserRequest.GET_VRING_BASE, 0, ints(0, 0)).seed());
        seeds.put("slots-that-come-and-go", negotiated().say(VhostUserRequest.ADD_MEM_REG, MessageFuzzTest.MEMORY | 1,
                longs(0, 0, MessageFuzzTest.MEMORY_BYTES, USER, 0)).rings(0)
                .say(VhostUserRequest.REM_MEM_REG, 0, longs(0, 0, MessageFuzzTest.MEMORY_BYTES, USER, 0)).seed());
        seeds.put("questions", new MessageSeeds().say(VhostUserRequest.GET_QUEUE_NUM, 0, ints())
                .say(VhostUserRequest.GET_MAX_MEM_SLOTS, 0, ints())
                .say(VhostUserRequest.GET_CONFIG, 0, ints(0, 16, 0, 0, 0, 0, 0))
                .say(VhostUserRequest.GET_STATUS, 0, ints()).say(VhostUserRequest.GET_SHMEM_CONFIG, 0, ints()).seed());
        seeds.put("a-display-and-a-reset", negotiated()
                .say(VhostUserRequest.GPU_SET_SOCKET, MessageFuzzTest.SOCKETS | 1, ints())
                .say(VhostUserRequest.RESET_DEVICE, 0, ints())
                .say(VhostUserRequest.SET_BACKEND_REQ_FD, MessageFuzzTest.SOCKETS | 1, ints()).seed());
        seeds.put("a-miss-and-its-answer", new MessageSeeds()
                .say(VhostUserRequest.SET_PROTOCOL_FEATURES, 0, longs(VhostUserBits.QEMU_10_PROTOCOL))
                .say(VhostUserRequest.SET_BACKEND_REQ_FD, MessageFuzzTest.SOCKETS | 1, ints())
                .say(VhostUserRequest.SET_OWNER, 0, ints())
                .say(VhostUserRequest.SET_FEATURES, 0,
                        longs(VhostUserBits.QEMU_FORCED | VhostUserBits.F_ACCESS_PLATFORM))
                .say(VhostUserRequest.SET_MEM_TABLE, MessageFuzzTest.MEMORY | 1,
                        longs(1, 0, MessageFuzzTest.MEMORY_BYTES, USER, 0))
                .rings(0).answer(0).say(VhostUserRequest.IOTLB_MSG, 0, longs(USER, 4096, USER, 3 | 2 << 8)).answer(-1)
                .answer(1).seed());
        seeds.put("a-kick-before-the-features", new MessageSeeds().rings(0).seed());
        seeds.put("a-table-beyond-its-file", negotiated().say(VhostUserRequest.SET_MEM_TABLE,
                MessageFuzzTest.MEMORY | 2, longs(2, 0, MessageFuzzTest.MEMORY_BYTES, USER, 4096, 0, -1, -1, -1))
                .seed());
        seeds.put("descriptors-nobody-asked-for", new MessageSeeds()
                .say(VhostUserRequest.GET_FEATURES, MessageFuzzTest.EVENTS | 9, ints())
                .say(VhostUserRequest.SET_VRING_CALL, MessageFuzzTest.MEMORY | 1, longs(0))
                .say(VhostUserRequest.SET_VRING_ERR, MessageFuzzTest.EVENTS | 2, longs(1)).seed());
        seeds.put("a-queue-there-is-not", negotiated().say(VhostUserRequest.SET_VRING_NUM, 0, ints(2, 64)).seed());
        seeds.put("a-body-too-long", new MessageSeeds().header(0, 2, VERSION, 4097).seed());
        seeds.put("another-version", new MessageSeeds().header(0, 1, 2, 0).seed());
        seeds.put("half-a-message", new MessageSeeds().header(MessageFuzzTest.EVENTS | 1, 12, VERSION, 8).seed());
        return seeds;
    }

    private static MessageSeeds negotiated() {
        return new MessageSeeds().say(VhostUserRequest.SET_PROTOCOL_FEATURES, 0, longs(VhostUserBits.QEMU_10_PROTOCOL))
                .say(VhostUserRequest.SET_OWNER, 0, ints())
                .say(VhostUserRequest.SET_FEATURES, 0, longs(VhostUserBits.QEMU_FORCED));
    }

    /** Starts queue 0 with a ring at {@code offset} of its memory. */
    private MessageSeeds rings(long offset) {
        return say(VhostUserRequest.SET_VRING_NUM, 0, ints(0, 4)).say(VhostUserRequest.SET_VRING_BASE, 0, ints(0, 0))
                .say(VhostUserRequest.SET_VRING_ADDR, 0,
                        longs(0, USER + offset, USER + offset + 256, USER + offset + 128, 0))
                .say(VhostUserRequest.SET_VRING_CALL, MessageFuzzTest.EVENTS | 1, longs(0))
                .say(VhostUserRequest.SET_VRING_KICK, MessageFuzzTest.EVENTS | 1, longs(0))
                .say(VhostUserRequest.SET_VRING_ENABLE, 0, ints(0, 1));
    }

    private MessageSeeds say(VhostUserRequest request, int fds, byte[] body) {
        header(fds, request.id(), VERSION | NEED_REPLY, body.length);
        bytes.writeBytes(body);
        return this;
    }

    /** Answers what the back-end has asked for last, an IOTLB_MSG. */
    private MessageSeeds answer(long value) {
        header(MessageFuzzTest.ANSWER, 1, VERSION | REPLY, Long.BYTES);
        bytes.writeBytes(longs(value));
        return this;
    }

    private MessageSeeds header(int fds, int request, int flags, int size) {
        bytes.write(fds);
        bytes.writeBytes(ints(request, flags, size));
        return this;
    }

    private static byte[] ints(int... values) {
        ByteBuffer out = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : values) out.putInt(value);
        return out.array();
    }

    private static byte[] longs(long... values) {
        ByteBuffer out = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) out.putLong(value);
        return out.array();
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
