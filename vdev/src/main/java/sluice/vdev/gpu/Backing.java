package sluice.vdev.gpu;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.memory.Snapshot;
import sluice.iommu.AddressRange;

/**
 * The guest pages behind a resource: the bus addresses the guest listed, and where the device finds them in its own
 * address space while they are mapped there.
 */
final class Backing {
    /** The most entries of one list: a 256 MiB resource in 16 KiB pieces, and what QEMU's own device takes. */
    static final int MAX_ENTRIES = 16_384;

    /** What an entry takes of the heap, with its part of the buffer: of whole pages, or one that has a mapping of its own. */
    private static final long ENTRY_BYTES = 40;
    private static final long LOOSE_ENTRY_BYTES = 256;
    /** A buffer, an attachment and a mapping. */
    private static final long BUFFER_BYTES = 2048;
    private static final long PAGE = 4096;

    /** As the guest sent them, but for those of no bytes: an address, then a length in the lower half of the next number. */
    private final long[] entries;
    private final long bytes;
    private @Nullable DeviceMapping mapping;
    private long table;

    private Backing(long[] entries) {
        this.entries = entries;
        long sum = 0;
        for (int i = 0; i < entries.length; i += 2) sum += length(i);
        bytes = sum;
    }

    /**
     * The list in a command that is long enough to hold it.
     *
     * @param at where its first entry is
     */
    static Backing read(Snapshot command, int at, int count) {
        long[] entries = new long[2 * count];
        command.copyTo(at, entries);
        return of(entries);
    }

    /** A list as the guest sends it, which is ours from now on. Entries of no bytes are legal, and are not kept. */
    static Backing of(long[] entries) {
        int kept = 0;
        for (int i = 0; i < entries.length; i += 2) {
            if ((int) entries[i + 1] == 0) continue;
            if (kept != i) {
                entries[kept] = entries[i];
                entries[kept + 1] = entries[i + 1];
            }
            kept += 2;
        }
        return new Backing(kept == entries.length ? entries : Arrays.copyOf(entries, kept));
    }

    /** Entries that are kept. */
    int count() {
        return entries.length / 2;
    }

    private long length(int entry) {
        return Integer.toUnsignedLong((int) entries[entry + 1]);
    }

    /** Pairs of a bus address and a length, of which the lower 32 bits count. */
    long[] entries() {
        return entries;
    }

    /** Bytes in all entries. */
    long bytes() {
        return bytes;
    }

    /** Bytes of the heap that it takes, with all that the core keeps of it. */
    long heapBytes() {
        long bytes = BUFFER_BYTES;
        for (int i = 0; i < entries.length; i += 2) {
            boolean whole = ((entries[i] | length(i)) & (PAGE - 1)) == 0;
            bytes += whole ? ENTRY_BYTES : LOOSE_ENTRY_BYTES;
        }
        return bytes;
    }

    /** The pages as the device's, or null while they are not mapped. */
    @Nullable
    DeviceMapping mapping() {
        return mapping;
    }

    /** Whether the pages are mapped, and are those that the memory table of this number has there. */
    boolean isMapped(long tableNumber) {
        return bytes == 0 || (mapping != null && table == tableNumber);
    }

    void setMapped(DeviceMapping made, long tableNumber) {
        mapping = made;
        table = tableNumber;
    }

    void setUnmapped() {
        mapping = null;
    }

    /** Whether any of the pages lies in a range of bus addresses. */
    boolean overlaps(AddressRange range) {
        for (int i = 0; i < entries.length; i += 2) {
            long length = length(i);
            // Unsigned distances, each from where one begins to where the other does: no sum can overflow.
            if (range.contains(entries[i]) || Long.compareUnsigned(range.first() - entries[i], length) < 0) return true;
        }
        return false;
    }
}
