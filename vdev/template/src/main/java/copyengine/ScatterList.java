package copyengine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A list of pieces of memory, as a driver gets it from its kernel when it maps a buffer for a device: the pages of a buffer are
 * anywhere. In memory an entry is 16 bytes: a 64-bit bus address, 32 bits of length in bytes, 32 bits of flags, all 0.
 *
 * @param entries in their order
 * @param bytes of all entries
 */
record ScatterList(List<Entry> entries, long bytes) {
    /** One page full of entries; a driver splits what needs more. */
    static final int MOST_ENTRIES = 256;
    /** Of one job: it bounds how long a driver waits. */
    static final long MOST_BYTES = 64 << 20;

    static final int ENTRY_BYTES = 16;

    /** A piece of memory. */
    record Entry(long address, long length) {}

    /** A list that breaks a rule. */
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

        /** Where in the guest's memory the entry is, which is what its author looks for. */
        long address() {
            return address;
        }
    }

    /**
     * Understands a list.
     *
     * @param copy our own copy of it: the guest can change its memory at any time, also between a check and a use
     * @param address where it was
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
            // Addresses are unsigned, and so is the comparison: past the last address they begin again at 0.
            if (length == 0 || flags != 0 || Long.compareUnsigned(last, first) < 0)
                throw new BadListException(Failure.BAD_ENTRY, address + at);
            bytes += length; // cannot overflow: at most 256 times 4 GiB
            if (bytes > MOST_BYTES) throw new BadListException(Failure.TOO_LONG, address + at);
            entries.add(new Entry(first, length));
        }
        return new ScatterList(entries, bytes);
    }
}
