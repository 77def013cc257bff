package sluice.vdev.host;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.pci.BarMemory;

/**
 * The memory of a device's shared memory regions: one sealed file that contains them one after the other, mapped once.
 * Pages never written use no memory.
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
     * Creates the file.
     *
     * @param name of the memfd, as shown in /proc/PID/fd
     * @param files the mappings of the process
     * @throws IllegalArgumentException two regions have one id, or the sum of their sizes is not a power of two: QEMU
     * 11.1 exits on any other sum
     * @throws IOException the file cannot be created or mapped
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

    /** Whether a mapping is of the regions' file. */
    boolean isIn(FileMapping mapping) {
        return memory != null && memory.mapping() == mapping; // a file is mapped once
    }

    /** Size of all regions in bytes. */
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

    /** Offset of a region in the file, in bytes. */
    public long offset(int id) {
        long at = 0;
        for (SharedRegion region : regions) {
            if (region.id() == id) return at;
            at += region.bytes();
        }
        throw new IllegalArgumentException("the device has no shared memory region " + id);
    }

    /** The file of all regions, mapped. */
    public FileMapping mapping() {
        return present().mapping();
    }

    /**
     * Clears whole pages of a region, and gives their memory back to the host.
     *
     * @throws IllegalArgumentException as {@link #check}
     * @throws ErrnoException of fallocate(2)
     */
    public void clear(int id, long offset, long length) throws ErrnoException {
        check(id, offset, length);
        Memfd.punch(file(), offset(id) + offset, length);
    }

    /** A region's memory. */
    public MemorySegment segment(int id) {
        return present().mapping().segment().asSlice(offset(id), region(id).bytes());
    }

    /**
     * Checks that a part lies in a region.
     *
     * @throws IllegalArgumentException it does not, or is not page-aligned
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
