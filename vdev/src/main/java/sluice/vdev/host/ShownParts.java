package sluice.vdev.host;

import java.util.HashSet;
import java.util.Set;

import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.io.PeerLog;

/**
 * The parts of shared memory regions that a front-end has mapped, or was requested to map. QEMU counts each as a memory
 * region and does not restart a device with more regions than fit into a memory table, so their number is limited. A
 * reset unmaps all of them without a message. Used on the device's loop.
 */
final class ShownParts {
    /** Most regions of a memory table, without memory slots. */
    private static final int MOST_REGIONS = 8;

    /** A part, as SHMEM_MAP and SHMEM_UNMAP name it. */
    record Part(int region, long offset, long length) {}

    private final SharedMemory shared;
    private final GuestMemoryView guest;
    private final PeerLog log;
    private final Set<Part> parts = new HashSet<>();
    private long resets;

    ShownParts(SharedMemory shared, GuestMemoryView guest, PeerLog log) {
        this.shared = shared;
        this.guest = guest;
        this.log = log;
    }

    /** Number of resets; a request sent before a reset may be answered after it. */
    long resets() {
        return resets;
    }

    /** Reserves room for one more part; false if there is none. */
    boolean add(Part part) {
        int others = 0;
        for (MemoryRegion region : guest.current().regions()) {
            if (!shared.isIn(region.mapping())) others++;
        }
        if (others + parts.size() >= MOST_REGIONS) {
            log.warn(
                    "the device shows {} parts of shared memory, and the guest's memory has {} regions: no room for another part",
                    parts.size(), others);
            return false;
        }
        parts.add(part);
        return true;
    }

    void remove(Part part) {
        parts.remove(part);
    }

    boolean contains(Part part) {
        return parts.contains(part);
    }

    /** The device is reset, or its front-end has disconnected. */
    void clear() {
        parts.clear();
        resets++;
    }
}
