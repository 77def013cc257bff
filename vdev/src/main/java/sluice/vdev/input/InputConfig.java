package sluice.vdev.input;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * The configuration space (virtio 1.3 §5.8.4): the driver writes what it asks for into two bytes, and reads the answer
 * and its size behind them. Thread-safe: it may be read while another thread writes.
 */
final class InputConfig {
    /** struct virtio_input_config. */
    static final int BYTES = 136;
    static final int SELECT = 0;
    static final int SUBSEL = 1;
    static final int SIZE = 2;
    static final int ANSWER = 8;
    /** The longest answer. */
    static final int MOST_BYTES = BYTES - ANSWER;

    static final int ID_NAME = 0x01;
    static final int ID_SERIAL = 0x02;
    static final int ID_DEVIDS = 0x03;
    static final int PROP_BITS = 0x10;
    static final int EV_BITS = 0x11;
    static final int ABS_INFO = 0x12;

    /** BUS_VIRTUAL of linux/input.h. */
    private static final int BUS = 0x06;
    private static final int VERSION = 1;
    private static final int BYTE = 0xff;
    private static final byte[] NOTHING = {};

    private final Map<Integer, byte[]> answers = new HashMap<>();
    /** What the driver asks for: select, and subsel above it. */
    private volatile int asked;

    /** @param serial at most {@link #MOST_BYTES} bytes of UTF-8; empty for none */
    InputConfig(InputKind kind, String serial) {
        put(ID_NAME, 0, kind.title().getBytes(StandardCharsets.UTF_8));
        put(ID_SERIAL, 0, serial.getBytes(StandardCharsets.UTF_8));
        put(ID_DEVIDS, 0, little(4 * Short.BYTES).putShort((short) BUS).putShort((short) 0)
                .putShort((short) kind.product()).putShort((short) VERSION).array());
        if (kind == InputKind.TOUCH)
            put(PROP_BITS, 0, bitmap(BitSet.valueOf(new long[]{ 1L << EventCodes.PROP_DIRECT })));
        kind.events().forEach((type, codes) -> put(EV_BITS, type, bitmap(codes)));
        // No fuzz, no flat zone, no resolution: positions are exact, and the size of the screen is the guest's affair.
        kind.axes().forEach((code, axis) -> put(ABS_INFO, code,
                little(5 * Integer.BYTES).putInt(axis.minimum()).putInt(axis.maximum()).array()));
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** An empty set is a byte of 0: an answer of no bytes would say that there is none. */
    private static byte[] bitmap(BitSet codes) {
        return codes.isEmpty() ? new byte[1] : codes.toByteArray();
    }

    private void put(int select, int subsel, byte[] answer) {
        if (answer.length > MOST_BYTES)
            throw new IllegalArgumentException("an answer of %d bytes; %d fit".formatted(answer.length, MOST_BYTES));
        answers.put(select | (subsel << Byte.SIZE), answer);
    }

    /** The driver reads; bytes beyond the end are 0. */
    void read(int offset, byte[] target) {
        int now = asked;
        byte[] answer = answers.getOrDefault(now, NOTHING);
        for (int i = 0; i < target.length; i++) {
            long at = (long) offset + i;
            target[i] = at == SELECT || at == SUBSEL
                    ? (byte) (now >> ((int) at * Byte.SIZE))
                    : at == SIZE
                            ? (byte) answer.length
                            : at >= ANSWER && at - ANSWER < answer.length ? answer[(int) at - ANSWER] : 0;
        }
    }

    /** The driver asks for something. All fields but the first two are read-only. On one thread at a time. */
    void write(int offset, byte[] value) {
        int next = asked;
        for (int at = SELECT; at <= SUBSEL; at++) {
            long i = (long) at - offset;
            if (i < 0 || i >= value.length) continue;
            int shift = at * Byte.SIZE;
            next = (next & ~(BYTE << shift)) | ((value[(int) i] & BYTE) << shift);
        }
        asked = next;
    }

    /** The driver asks for nothing, as at power-on. */
    void reset() {
        asked = 0;
    }
}
