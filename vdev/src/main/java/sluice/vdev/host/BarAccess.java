package sluice.vdev.host;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.PciFunction;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.Msix;

/**
 * Splits a BAR access of any length into naturally aligned accesses that are not wider than the function's registers.
 * Memory BARs are copied.
 */
final class BarAccess {
    private final PciFunction function;

    BarAccess(PciFunction function) {
        this.function = function;
    }

    /**
     * Returns the bytes.
     *
     * @param offset with {@code length} inside of the BAR
     */
    byte[] read(Bar bar, long offset, int length) {
        byte[] bytes = new byte[length];
        MemorySegment memory = memory(bar);
        if (memory != null) {
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset, bytes, 0, length);
            return bytes;
        }
        for (int done = 0; done < length;) {
            long at = offset + done;
            int size = piece(at, length - done, bar.widest());
            if (!isMsix(bar, at)) put(bytes, done, size, function.read(bar.index(), at, size));
            done += size;
        }
        return bytes;
    }

    void write(Bar bar, long offset, byte[] bytes) {
        MemorySegment memory = memory(bar);
        if (memory != null) {
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, offset, bytes.length);
            return;
        }
        for (int done = 0; done < bytes.length;) {
            long at = offset + done;
            int size = piece(at, bytes.length - done, bar.widest());
            if (!isMsix(bar, at)) function.write(bar.index(), at, size, get(bytes, done, size));
            done += size;
        }
    }

    private static @Nullable MemorySegment memory(Bar bar) {
        return bar.memory() == null ? null : bar.memory().mapping().segment();
    }

    private boolean isMsix(Bar bar, long offset) {
        Msix msix = function.config().msix();
        return msix != null && msix.covers(bar.index(), offset);
    }

    /** The widest naturally aligned access at {@code at}. */
    private static int piece(long at, int left, int widest) {
        int size = (int) Math.min(widest, at == 0 ? widest : Long.lowestOneBit(at));
        while (size > left)
            size >>= 1;
        return size;
    }

    private static void put(byte[] bytes, int at, int size, long value) {
        for (int i = 0; i < size; i++) bytes[at + i] = (byte) (value >>> (Byte.SIZE * i));
    }

    private static long get(byte[] bytes, int at, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) value = value << Byte.SIZE | (bytes[at + i] & 0xff);
        return value;
    }
}
