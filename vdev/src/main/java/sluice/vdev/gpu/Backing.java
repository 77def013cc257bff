package sluice.vdev.gpu;

import java.util.Arrays;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.memory.Snapshot;
import sluice.iommu.AddressRange;

/**
 * The guest pages behind a resource: the bus addresses listed by the guest, and their mapping in the device's own
 * address space, while mapped.
 */
final class Backing implements Pages {
    /** Most entries of a list: a 256 MiB resource in 16 KiB pieces; the limit of QEMU's own device. */
    static final int MAX_ENTRIES = 16_384;

    /** Heap bytes of an entry, with its part of the buffer: of whole pages, or with a mapping of its own. */
    private static final long ENTRY_BYTES = 40;
    private static final long LOOSE_ENTRY_BYTES = 256;
    /** A buffer, an attachment and a mapping. */
    private static final long BUFFER_BYTES = 2048;
    private static final long PAGE = 4096;
    /** Longest entry, also of merged ones, in whole pages. */
    private static final long MAX_LENGTH = 0xffff_f000L;

    /** As sent by the guest, without empty entries and with neighbours merged: an address, then a length of 32 bits. */
    private final long[] entries;
    private final long bytes;
    private final long heapBytes;
    private @Nullable DeviceMapping mapping;
    private long table;
    private @Nullable UUID name;

    private Backing(long[] entries, long bytes, long heapBytes) {
        this.entries = entries;
        this.bytes = bytes;
        this.heapBytes = heapBytes;
    }

    /**
     * Reads the list of a command that is long enough.
     *
     * @param at offset of its first entry
     */
    static Backing read(Snapshot command, int at, int count) {
        long[] entries = new long[2 * count];
        command.copyTo(at, entries);
        return of(entries);
    }

    /** A list in the guest's format; takes ownership of it. Entries of 0 bytes are legal, and are dropped. */
    static Backing of(long[] entries) {
        int kept = 0;
        long sum = 0;
        long loose = 0;
        long end = 0; // of the last one kept; 0 before the first
        long last = 0; // its length
        for (int i = 0; i < entries.length; i += 2) {
            long address = entries[i];
            long length = length(entries, i);
            if (length == 0) continue;
            sum += length;
            if (address == end && address != 0 && last + length <= MAX_LENGTH) {
                last += length;
            } else {
                loose += looseness(entries, kept);
                entries[kept] = address;
                kept += 2;
                last = length;
            }
            entries[kept - 1] = last;
            end = address + length;
        }
        loose += looseness(entries, kept);
        long heap = BUFFER_BYTES + (kept / 2 - loose) * ENTRY_BYTES + loose * LOOSE_ENTRY_BYTES;
        return new Backing(kept == entries.length ? entries : Arrays.copyOf(entries, kept), sum, heap);
    }

    /** 1 if the last of the entries kept so far is not of whole pages. */
    private static int looseness(long[] entries, int kept) {
        return kept > 0 && ((entries[kept - 2] | entries[kept - 1]) & (PAGE - 1)) != 0 ? 1 : 0;
    }

    /** Number of entries. */
    int count() {
        return entries.length / 2;
    }

    private static long length(long[] entries, int entry) {
        return Integer.toUnsignedLong((int) entries[entry + 1]);
    }

    /** Pairs of a bus address and a length, of which the lower 32 bits count. */
    long[] entries() {
        return entries;
    }

    /** Bytes in all entries. */
    @Override
    public long bytes() {
        return bytes;
    }

    /** Heap bytes that it uses, including those of the core. */
    long heapBytes() {
        return heapBytes;
    }

    @Override
    public @Nullable DeviceMapping mapping() {
        return mapping;
    }

    /** Whether the pages are mapped, and belong to the memory table with this number. */
    @Override
    public boolean isMapped(long tableNumber) {
        return bytes == 0 || (mapping != null && table == tableNumber);
    }

    @Override
    public void setMapped(DeviceMapping made, long tableNumber) {
        mapping = made;
        table = tableNumber;
    }

    @Override
    public @Nullable DeviceMapping takeMapping() {
        DeviceMapping taken = mapping;
        mapping = null;
        return taken;
    }

    @Override
    public @Nullable UUID exportedAs() {
        return name;
    }

    @Override
    public void setExportedAs(UUID given) {
        name = given;
    }

    /** Whether any of the pages is in a range of bus addresses. */
    boolean overlaps(AddressRange range) {
        for (int i = 0; i < entries.length; i += 2) {
            long length = length(entries, i);
            // Unsigned distances between the beginnings, so that no sum can overflow.
            if (range.contains(entries[i]) || Long.compareUnsigned(range.first() - entries[i], length) < 0) return true;
        }
        return false;
    }
}
