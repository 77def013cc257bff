package sluice.vdev.gpu;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.memory.BusList;
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

    private final BusList list;
    private final long heapBytes;
    private @Nullable DeviceMapping mapping;
    private long table;
    private @Nullable UUID name;

    Backing(BusList list) {
        this.list = list;
        long loose = list.countLoose(PAGE);
        heapBytes = BUFFER_BYTES + (list.count() - loose) * ENTRY_BYTES + loose * LOOSE_ENTRY_BYTES;
    }

    /** Number of entries. */
    int count() {
        return list.count();
    }

    /** The bus addresses. */
    BusList list() {
        return list;
    }

    /** Bytes in all entries. */
    @Override
    public long bytes() {
        return list.bytes();
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
        return bytes() == 0 || (mapping != null && table == tableNumber);
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
        return list.overlaps(range);
    }
}
