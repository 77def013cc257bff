package sluice.vdev.host;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.pci.BarMemory;

/**
 * The memory of a device's shared memory regions: one sealed file for all of them, one behind the other, mapped once. What nobody
 * has written takes no memory.
 */
public final class SharedMemory implements AutoCloseable {
    private static final SharedMemory NONE = new SharedMemory(List.of(), null);

    private final List<SharedRegion> regions;
    private final @Nullable BarMemory memory;

    private SharedMemory(List<SharedRegion> regions, @Nullable BarMemory memory) {
        this.regions = regions;
        this.memory = memory;
    }

    /** For a device without regions. */
    public static SharedMemory none() {
        return NONE;
    }

    /**
     * Makes it.
     *
     * @param name for people who look at a process's files
     * @param files where it is mapped
     * @throws IllegalArgumentException two regions have one id, or all of them together are not a power of two: QEMU ends itself
     *         where the sum is anything else (seen with 11.1)
     * @throws IOException there is no room for it
     */
    public static SharedMemory of(String name, List<SharedRegion> regions, FileMappings files) throws IOException {
        if (regions.isEmpty()) return NONE;
        Set<Integer> ids = new HashSet<>();
        long bytes = 0;
        for (SharedRegion region : regions) {
            if (!ids.add(region.id()))
                throw new IllegalArgumentException("two shared memory regions have the id " + region.id());
            bytes += region.bytes();
        }
        if (Long.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "the shared memory regions have 0x%x bytes together; QEMU takes a power of two only"
                            .formatted(bytes));
        }
        Fd file = Memfd.create(name, Memfd.ALLOW_SEALING);
        boolean made = false;
        try {
            Memfd.resize(file, bytes);
            Seals.add(file, Seals.SHRINK | Seals.GROW);
            SharedMemory all = new SharedMemory(List.copyOf(regions), new BarMemory(file, files.map(file)));
            made = true;
            return all;
        } finally {
            if (!made) file.close();
        }
    }

    /** The regions. */
    public List<SharedRegion> regions() {
        return regions;
    }

    /** The memory of all regions, or null if there are none. */
    public @Nullable BarMemory memory() {
        return memory;
    }

    private BarMemory present() {
        BarMemory present = memory;
        if (present == null) throw new IllegalArgumentException("the device has no shared memory region");
        return present;
    }

    /** Whether a mapping is of their file. */
    boolean isIn(FileMapping mapping) {
        return memory != null && memory.mapping() == mapping; // a file is mapped once
    }

    /** Bytes of all regions. */
    public long bytes() {
        return memory == null ? 0 : memory.mapping().size();
    }

    Fd file() {
        return present().file();
    }

    /** @throws IllegalArgumentException the device has no such region */
    SharedRegion region(int id) {
        for (SharedRegion region : regions) {
            if (region.id() == id) return region;
        }
        throw new IllegalArgumentException("the device has no shared memory region " + id);
    }

    /** Where a region begins in the memory of all. */
    public long offset(int id) {
        long at = 0;
        for (SharedRegion region : regions) {
            if (region.id() == id) return at;
            at += region.bytes();
        }
        throw new IllegalArgumentException("the device has no shared memory region " + id);
    }

    /** A region's memory. */
    public MemorySegment segment(int id) {
        return present().mapping().segment().asSlice(offset(id), region(id).bytes());
    }

    /**
     * Makes sure that a part is one of a region.
     *
     * @throws IllegalArgumentException it is not, or is not of whole pages
     */
    public void check(int id, long offset, long length) {
        long bytes = region(id).bytes();
        if (offset < 0 || length <= 0 || offset > bytes - length || (offset | length) % SharedRegion.PAGE != 0) {
            throw new IllegalArgumentException(
                    "0x%x bytes at 0x%x of shared memory region %d, which has 0x%x: give whole pages of %d bytes"
                            .formatted(
                                    length, offset, id, bytes, SharedRegion.PAGE));
        }
    }

    @Override
    public void close() {
        BarMemory present = memory;
        if (present == null) return;
        present.mapping().release();
        present.file().close();
    }
}
