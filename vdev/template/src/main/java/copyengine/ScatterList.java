package copyengine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A scatter list, as a driver gets it from its kernel when it maps a buffer for a device. An entry in memory has 16
 * bytes: a 64-bit bus address, 32 bits of length in bytes, 32 bits of flags, all 0.
 *
 * @param entries in order
 * @param bytes sum of all lengths
 */
record ScatterList(List<Entry> entries, long bytes) {
    /** One page of entries; a driver splits longer lists. */
    static final int MOST_ENTRIES = 256;
    /** Limit of one job, which bounds the time that a driver waits. */
    static final long MOST_BYTES = 64 << 20;

    static final int ENTRY_BYTES = 16;

    /** A piece of memory. */
    record Entry(long address, long length) {}

    /** An invalid list. */
    static final class BadListException extends Exception {
        private static final long serialVersionUID = 1;

        private final Failure failure;
        private final long address;

        BadListException(Failure failure, long address) {
            super(failure.name());
            this.failure = failure;
            this.address = address;
        }

        Failure failure() {
            return failure;
        }

        /** The guest address of the invalid entry. */
        long address() {
            return address;
        }
    }

    /**
     * Parses a list.
     *
     * @param copy a private copy: the guest can change its memory at any time, even between check and use
     * @param address guest address of the list
     */
    static ScatterList parse(byte[] copy, long address) throws BadListException {
        ByteBuffer buffer = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        List<Entry> entries = new ArrayList<>(copy.length / ENTRY_BYTES);
        long bytes = 0;
        for (int at = 0; at < copy.length; at += ENTRY_BYTES) {
            long first = buffer.getLong(at);
            long length = Integer.toUnsignedLong(buffer.getInt(at + 8));
            int flags = buffer.getInt(at + 12);
            long last = first + length - 1;
            // Addresses are unsigned, so an unsigned comparison detects a wrap-around.
            if (length == 0 || flags != 0 || Long.compareUnsigned(last, first) < 0)
                throw new BadListException(Failure.BAD_ENTRY, address + at);
            bytes += length; // cannot overflow: at most 256 times 4 GiB
            if (bytes > MOST_BYTES) throw new BadListException(Failure.TOO_LONG, address + at);
            entries.add(new Entry(first, length));
        }
        return new ScatterList(entries, bytes);
    }
}
