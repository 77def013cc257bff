package sluice.vdev.media;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

import sluice.dmacore.memory.Runs;

/**
 * A private copy of a command, in which an ioctl also puts its results, because V4L2 uses one structure for both. All
 * numbers are little-endian. Reusable; grows up to the limit, and allocates nothing once it is warm.
 */
final class Payload {
    private static final VarHandle U16 = view(short[].class);
    private static final VarHandle U32 = view(int[].class);
    private static final VarHandle U64 = view(long[].class);
    private static final int INITIAL = 1024;

    private final int limit;
    private byte[] bytes = new byte[INITIAL];
    private int length;

    private static VarHandle view(Class<?> array) {
        return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
    }

    /** @param limit the most bytes of a command */
    Payload(int limit) {
        this.limit = limit;
    }

    /**
     * Copies a command; replaces the previous one.
     *
     * @return false, with length 0, if it exceeds the limit
     */
    boolean take(Runs source) {
        length = 0;
        if (source.bytes() > limit) return false;
        int wanted = (int) source.bytes();
        if (wanted > bytes.length) bytes = new byte[Math.min(limit, Math.max(wanted, 2 * bytes.length))];
        source.copyTo(0, bytes, 0, wanted);
        length = wanted;
        return true;
    }

    /** Makes it {@code size} zeros, for an event. */
    Payload zeros(int size) {
        if (size > bytes.length) bytes = new byte[size];
        Arrays.fill(bytes, 0, size, (byte) 0);
        length = size;
        return this;
    }

    /** Extends or cuts a command to {@code size} bytes; new ones are 0. For an ioctl whose payload is in the answer only. */
    void resize(int size) {
        if (size > bytes.length) bytes = Arrays.copyOf(bytes, size);
        if (size > length) Arrays.fill(bytes, length, size, (byte) 0);
        length = size;
    }

    int length() {
        return length;
    }

    /** The bytes, valid up to {@link #length}; not to be kept. */
    byte[] bytes() {
        return bytes;
    }

    int u8(int offset) {
        return bytes[checked(offset, 1)] & 0xff;
    }

    int u32(int offset) {
        return (int) U32.get(bytes, checked(offset, 4));
    }

    /** 0 to 2^32 - 1. */
    long u32AsLong(int offset) {
        return Integer.toUnsignedLong(u32(offset));
    }

    long u64(int offset) {
        return (long) U64.get(bytes, checked(offset, 8));
    }

    void putU8(int offset, int value) {
        bytes[checked(offset, 1)] = (byte) value;
    }

    void putU16(int offset, int value) {
        U16.set(bytes, checked(offset, 2), (short) value);
    }

    void putU32(int offset, int value) {
        U32.set(bytes, checked(offset, 4), value);
    }

    void putU64(int offset, long value) {
        U64.set(bytes, checked(offset, 8), value);
    }

    /** Puts ASCII text, cut to {@code size - 1} characters and followed by zeros. */
    void putText(int offset, int size, String text) {
        checked(offset, size);
        Arrays.fill(bytes, offset, offset + size, (byte) 0);
        for (int i = 0; i < text.length() && i < size - 1; i++) bytes[offset + i] = (byte) text.charAt(i);
    }

    void clear(int offset, int size) {
        checked(offset, size);
        Arrays.fill(bytes, offset, offset + size, (byte) 0);
    }

    private int checked(int offset, int size) {
        if (offset < 0 || offset > length - size)
            throw new IndexOutOfBoundsException("%d bytes at %d of a command of %d".formatted(size, offset, length));
        return offset;
    }
}
