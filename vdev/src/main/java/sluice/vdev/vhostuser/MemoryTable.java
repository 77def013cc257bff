package sluice.vdev.vhostuser;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.host.FileMapper;
import sluice.vdev.host.MemoryChange;
import sluice.vdev.io.PeerLog;
import sluice.vdev.vhostuser.FrontEndMessage.Region;

/**
 * The memory table, set by the front-end as a whole or slot by slot. Each change creates a new generation; a refused
 * change keeps the previous one. Changes are begun on the control loop, where nothing waits, and carried out on the
 * device's loop, in their order.
 */
final class MemoryTable implements AutoCloseable {
    /** Most memory slots: the number of KVM's slots. */
    static final int MAX_SLOTS = 509;

    private final FileMapper mapper;
    private final PeerLog log;
    private GuestMemory current = GuestMemory.empty();
    private boolean warnedOfShrinking;

    MemoryTable(FileMapper mapper, PeerLog log) {
        this.mapper = mapper;
        this.log = log;
    }

    /** Replaces all regions. The descriptors are closed in any case. */
    MemoryChange replace(List<Region> wanted, List<Fd> fds) {
        List<FileMapper.Pending> files = fds.stream().map(mapper::map).toList();
        return () -> advance(List.of(), wanted, files);
    }

    /** Adds a region. The descriptor is closed in any case. */
    MemoryChange add(Region wanted, Fd fd) {
        List<FileMapper.Pending> files = List.of(mapper.map(fd));
        return () -> advance(current.regions(), List.of(wanted), files);
    }

    /** Removes the region with the same guest address, user address and size. */
    MemoryChange remove(Region gone) {
        return () -> {
            MemoryRegion found = current.regionAt(gone.guestAddress(), GuestMemory.Addressing.GUEST);
            if (found == null || found.guest().first() != gone.guestAddress() || found.size() != gone.size()
                    || found.userAddress() != gone.userAddress()) {
                throw new IOException("no memory region at guest address 0x%x, 0x%x bytes, user address 0x%x to remove"
                        .formatted(gone.guestAddress(), gone.size(), gone.userAddress()));
            }
            List<MemoryRegion> regions = new ArrayList<>(current.regions());
            regions.remove(found);
            return advance(regions);
        };
    }

    /** A generation of the regions that stay and of those of {@code files}, whose references are dropped in any case. */
    private GuestMemory advance(List<MemoryRegion> staying, List<Region> wanted, List<FileMapper.Pending> files)
            throws IOException {
        List<FileMapping> mapped = new ArrayList<>();
        try {
            awaitAll(files, mapped);
            if (staying.size() + wanted.size() > MAX_SLOTS)
                throw new IOException("no memory slot left: the limit is " + MAX_SLOTS + " regions");
            List<MemoryRegion> regions = new ArrayList<>(staying);
            for (int i = 0; i < wanted.size(); i++) regions.add(region(wanted.get(i), mapped.get(i)));
            return advance(regions);
        } finally {
            mapped.forEach(FileMapping::release);
        }
    }

    /** Adds all mappings that succeed to {@code mapped}, also if others fail. */
    private static void awaitAll(List<FileMapper.Pending> files, List<FileMapping> mapped) throws IOException {
        IOException refused = null;
        for (FileMapper.Pending file : files) {
            try {
                mapped.add(file.get());
            } catch (IOException e) {
                if (refused == null) refused = e;
            }
        }
        if (refused != null) throw refused;
    }

    private MemoryRegion region(Region wanted, FileMapping mapping) throws IOException {
        MemoryRegion region = MemoryRegion.of(wanted.guestAddress(), wanted.size(), wanted.userAddress(), mapping,
                wanted.fileOffset());
        warnIfShrinkable(mapping);
        return region;
    }

    private void warnIfShrinkable(FileMapping mapping) {
        if (!mapping.isShrinkable() || warnedOfShrinking) return;
        warnedOfShrinking = true;
        log.warn(
                "guest memory ({}) could be truncated while it is mapped, it lacks the seal F_SEAL_SHRINK: prefer memory-backend-memfd",
                mapping);
    }

    /** The new generation, with a reference for the caller. */
    private GuestMemory advance(List<MemoryRegion> regions) throws IOException {
        GuestMemory next;
        try {
            next = GuestMemory.of(regions);
        } catch (IllegalArgumentException e) {
            throw new IOException("memory table refused: " + e.getMessage(), e);
        }
        GuestMemory old = current;
        current = next;
        old.release();
        return next.retain();
    }

    @Override
    public void close() {
        current.release();
    }
}
