package sluice.dmacore.buffer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Subject;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;

/** The present and recent mappings of one function, looked up by address. Thread-safe. */
final class FunctionAddresses {
    /** Ended mappings that are remembered. */
    private static final int REMEMBERED = 64;
    private static final int BEST = 7;
    /** Longest list of an ended mapping that is remembered. */
    private static final int LONGEST = 1024;

    /** A mapping that has ended. */
    record Former(Subject subject, AddressOrder order, String how) {}

    private final Set<DeviceMapping> live = ConcurrentHashMap.newKeySet();
    private final Deque<Former> former = new ArrayDeque<>();

    void add(DeviceMapping mapping) {
        live.add(mapping);
    }

    /** @param how it ended, in a word or two */
    void remove(DeviceMapping mapping, String how) {
        if (!live.remove(mapping) || mapping.mapped().count() > LONGEST) return;
        Former ended = new Former(mapping.attachment().subject(), mapping.order(), how);
        synchronized (former) {
            if (former.size() == REMEMBERED) former.removeLast();
            former.addFirst(ended);
        }
    }

    /**
     * The mapping that contains an address. A device without an IOMMU may have several; one that contains the whole
     * range and permits the access is preferred.
     */
    @Nullable
    DeviceMapping at(long address, long length, Access access) {
        DeviceMapping best = null;
        int bestSuits = -1;
        for (DeviceMapping mapping : live) {
            if (mapping.order().at(address) < 0) continue;
            int suits = suits(mapping, address, length, access);
            if (suits <= bestSuits) continue;
            best = mapping;
            bestSuits = suits;
        }
        return best;
    }

    /** Whether a mapping contains the whole range and permits the access. */
    static boolean isMeant(DeviceMapping mapping, long address, long length, Access access) {
        return suits(mapping, address, length, access) == BEST;
    }

    /** A mapping that is being unmapped keeps its addresses until no reader uses them. */
    private static int suits(DeviceMapping mapping, long address, long length, Access access) {
        Direction direction = mapping.direction();
        boolean allowed = access == Access.READ ? direction.deviceReads() : direction.deviceWrites();
        boolean covered = mapping.order().covered(address, length) == length;
        return (mapping.isLive() ? 4 : 0) + (covered ? 2 : 0) + (allowed ? 1 : 0);
    }

    /** The mapping with the last byte below an address, or null. */
    @Nullable
    DeviceMapping below(long address) {
        DeviceMapping best = null;
        long bestEnd = Long.MIN_VALUE;
        for (DeviceMapping mapping : live) {
            long end = mapping.order().endBelow(address);
            if (end <= bestEnd) continue;
            best = mapping;
            bestEnd = end;
        }
        return best;
    }

    /** The most recent ended mapping that contained an address, if remembered. */
    @Nullable
    Former formerly(long address) {
        synchronized (former) {
            for (Former ended : former) {
                if (ended.order().at(address) >= 0) return ended;
            }
            return null;
        }
    }
}
