package sluice.vdev.host;

import java.util.HashSet;
import java.util.Set;

import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.io.PeerLog;

/**
 * The parts of shared memory regions that a front-end shows, or is asked to. QEMU counts each as a region of the guest's memory and
 * does not start a device again with more regions than a memory table has room for, so that many are not asked for. A reset hides all
 * of them without a word. Used on the device's loop.
 */
final class ShownParts {
    /** Regions of a memory table, without slots. */
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

    /** How many resets there were; what was asked before one is answered after it all the same. */
    long resets() {
        return resets;
    }

    /** Whether there is room for one more, which is taken. */
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

    /** The device is reset, or its front-end has gone. */
    void clear() {
        parts.clear();
        resets++;
    }
}
