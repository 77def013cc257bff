package sluice.vdev.vhostuser;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.PeerLog;
import sluice.vdev.vhostuser.FrontEndMessage.Region;

/**
 * The memory table, set by the front-end as a whole or slot by slot. Each change creates a new generation; a refused
 * change keeps the previous one. Used on the control loop.
 */
final class MemoryTable implements AutoCloseable {
    /** Most memory slots: the number of KVM's slots. */
    static final int MAX_SLOTS = 509;

    private final FileMappings files;
    private final Disposal disposal;
    private final PeerLog log;
    private GuestMemory current = GuestMemory.empty();
    private boolean warnedOfShrinking;

    /** @param disposal closes the descriptors: closing the last one of a file frees its pages, which may block */
    MemoryTable(FileMappings files, Disposal disposal, PeerLog log) {
        this.log = log;
        this.files = files;
        this.disposal = disposal;
    }

    GuestMemory current() {
        return current;
    }

    /** Replaces all regions. The descriptors are closed in any case. */
    void replace(List<Region> wanted, List<Fd> fds) throws IOException {
        List<MemoryRegion> regions = new ArrayList<>();
        try {
            for (int i = 0; i < wanted.size(); i++) regions.add(map(wanted.get(i), fds.get(i)));
            advance(regions);
        } finally {
            disposal.closeAll(fds);
            for (MemoryRegion region : regions) region.mapping().release();
        }
    }

    /** Adds a region. The descriptor is closed in any case. */
    void add(Region wanted, Fd fd) throws IOException {
        try {
            if (current.regions().size() == MAX_SLOTS) {
                throw new IOException("no memory slot left: the limit is " + MAX_SLOTS + " regions");
            }
            MemoryRegion region = map(wanted, fd);
            try {
                List<MemoryRegion> regions = new ArrayList<>(current.regions());
                regions.add(region);
                advance(regions);
            } finally {
                region.mapping().release();
            }
        } finally {
            disposal.close(fd);
        }
    }

    /** Removes the region with the same guest address, user address and size. */
    void remove(Region gone) throws IOException {
        MemoryRegion found = current.regionAt(gone.guestAddress(), GuestMemory.Addressing.GUEST);
        if (found == null || found.guest().first() != gone.guestAddress() || found.size() != gone.size()
                || found.userAddress() != gone.userAddress()) {
            throw new IOException("no memory region at guest address 0x%x, 0x%x bytes, user address 0x%x to remove"
                    .formatted(gone.guestAddress(), gone.size(), gone.userAddress()));
        }
        List<MemoryRegion> regions = new ArrayList<>(current.regions());
        regions.remove(found);
        advance(regions);
    }

    private MemoryRegion map(Region wanted, Fd fd) throws IOException {
        FileMapping mapping = files.map(fd);
        try {
            MemoryRegion region = MemoryRegion.of(wanted.guestAddress(), wanted.size(), wanted.userAddress(), mapping,
                    wanted.fileOffset());
            warnIfShrinkable(mapping);
            return region;
        } catch (IOException e) {
            mapping.release();
            throw e;
        }
    }

    private void warnIfShrinkable(FileMapping mapping) {
        if (!mapping.isShrinkable() || warnedOfShrinking) return;
        warnedOfShrinking = true;
        log.warn(
                "guest memory ({}) could be truncated while it is mapped, it lacks the seal F_SEAL_SHRINK: prefer memory-backend-memfd",
                mapping);
    }

    private void advance(List<MemoryRegion> regions) throws IOException {
        GuestMemory next;
        try {
            next = GuestMemory.of(regions);
        } catch (IllegalArgumentException e) {
            throw new IOException("memory table refused: " + e.getMessage(), e);
        }
        GuestMemory old = current;
        current = next;
        old.release();
    }

    @Override
    public void close() {
        current.release();
    }
}
