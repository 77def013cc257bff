package sluice.dmacore.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A private copy of bytes that a guest may change at any time: copied once, checked, then used. All numbers are
 * little-endian, as in virtio.
 *
 * <p>Reusable, grows up to the limit given at construction, allocates nothing once it is warm.
 *
 * <p>An array instead of Chronicle Bytes, which does not refuse reads at an offset beyond the read limit (2026.4).
 */
public final class Snapshot {
    private static final VarHandle U16 = view(short[].class);
    static final VarHandle U32 = view(int[].class);
    static final VarHandle U64 = view(long[].class);

    private final int limit;
    private byte[] bytes = new byte[256];
    private int length;

    private static VarHandle view(Class<?> array) {
        return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
    }

    /** @param limit the most bytes a snapshot may have */
    public Snapshot(int limit) {
        this.limit = limit;
    }

    /**
     * Copies {@code length} bytes of {@code source}, beginning at {@code position}; replaces the previous content.
     *
     * @return false, with nothing copied and length 0, if that exceeds the limit
     */
    public boolean take(Runs source, long position, long length) {
        this.length = 0;
        if (length > limit)
            return false;
        int wanted = (int) length;
        if (wanted > bytes.length)
            bytes = new byte[Math.min(limit, Math.max(wanted, bytes.length * 2))];
        source.copyTo(position, bytes, 0, wanted);
        this.length = wanted;
        return true;
    }

    /** Bytes taken. */
    public int length() {
        return length;
    }

    public int limit() {
        return limit;
    }

    /** The byte at {@code offset}, 0 to 255. */
    public int u8(int offset) {
        return bytes[checked(offset, 1)] & 0xff;
    }

    /** The 16-bit number at {@code offset}, 0 to 65535. */
    public int u16(int offset) {
        return (short) U16.get(bytes, checked(offset, 2)) & 0xffff;
    }

    /** The 32-bit number at {@code offset}; the caller converts it if it is unsigned. */
    public int u32(int offset) {
        return (int) U32.get(bytes, checked(offset, 4));
    }

    /** The 32-bit number at {@code offset}, 0 to 2^32 - 1. */
    public long u32AsLong(int offset) {
        return Integer.toUnsignedLong(u32(offset));
    }

    public long u64(int offset) {
        return (long) U64.get(bytes, checked(offset, 8));
    }

    /** The array itself, for a loop over {@code size} bytes from {@code offset} on, which are there. */
    byte[] bytes(int offset, int size) {
        checked(offset, size);
        return bytes;
    }

    private int checked(int offset, int size) {
        if (offset < 0 || offset > length - size) {
            throw new IndexOutOfBoundsException("%d bytes at %d of a snapshot of %d".formatted(size, offset, length));
        }
        return offset;
    }

    /** A copy of the bytes taken. */
    public byte[] toByteArray() {
        return Arrays.copyOf(bytes, length);
    }

    /** The bytes taken, as a view that must not outlive the snapshot. */
    public MemorySegment view() {
        return MemorySegment.ofArray(bytes).asSlice(0, length, ValueLayout.JAVA_BYTE.byteAlignment()).asReadOnly();
    }
}
