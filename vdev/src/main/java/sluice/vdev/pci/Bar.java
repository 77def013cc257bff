package sluice.vdev.pci;

import org.jspecify.annotations.Nullable;

/**
 * A base address register and its content.
 *
 * @param index 0 to 5; a 64-bit BAR takes the next index as well
 * @param size in bytes, a power of two; 16 at least, for I/O ports 4 to 256
 * @param widest the widest access passed to the function, 1, 2, 4 or 8 bytes; wider ones are split
 * @param memory the BAR's content, if it is plain memory; null if each access goes to the function
 */
public record Bar(int index, Kind kind, long size, int widest, @Nullable BarMemory memory) {
    /** Address types of a BAR. */
    public enum Kind {
        IO(1),
        MEMORY_32(0),
        MEMORY_64(4),
        PREFETCHABLE_64(12);

        private final int bits;

        Kind(int bits) {
            this.bits = bits;
        }

        /** The read-only low bits of the register. */
        int bits() {
            return bits;
        }

        boolean is64() {
            return this == MEMORY_64 || this == PREFETCHABLE_64;
        }
    }

    private static final int LAST_INDEX = 5;
    private static final int MOST_PORTS = 256;
    private static final int LEAST_PORTS = 4;
    private static final int LEAST_BYTES = 16;

    public Bar {
        if (index < 0 || index > LAST_INDEX || (kind.is64() && index == LAST_INDEX))
            throw new IllegalArgumentException("BAR %d, %s: a function has BARs 0 to 5".formatted(index, kind));
        long least = kind == Kind.IO ? LEAST_PORTS : LEAST_BYTES;
        long most = kind == Kind.IO ? MOST_PORTS : kind.is64() ? 1L << 48 : 1L << 31;
        if (Long.bitCount(size) != 1 || size < least || size > most) {
            throw new IllegalArgumentException("BAR %d, %s, has 0x%x bytes: give a power of two from %d to 0x%x"
                    .formatted(index, kind, size, least, most));
        }
        if (Integer.bitCount(widest) != 1 || widest > Long.BYTES || widest < 1)
            throw new IllegalArgumentException(
                    "BAR %d: access size of %d bytes; give 1, 2, 4 or 8".formatted(index, widest));
        if (memory != null && (memory.mapping().size() < size || kind == Kind.IO)) {
            throw new IllegalArgumentException("BAR %d, %s, of 0x%x bytes cannot be %s".formatted(index, kind, size,
                    memory.mapping()));
        }
    }

    /** A BAR of 32-bit registers below 4 GiB. */
    public static Bar registers(int index, long size) {
        return new Bar(index, Kind.MEMORY_32, size, Integer.BYTES, null);
    }

    /** A memory BAR, which a front-end may map. */
    public static Bar memory(int index, Kind kind, long size, BarMemory memory) {
        return new Bar(index, kind, size, Long.BYTES, memory);
    }
}
