package sluice.vdev.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.SharedRegion;

/**
 * The places of host blobs in the window that the guest maps. The guest chooses places from the beginning on; blobs
 * that are used and not mapped are placed from the end on, and move when the guest wants their place. Thread-safe: a
 * place is freed by the last device that used it.
 */
final class HostWindow {
    private final long bytes;
    /** By offset. */
    private final TreeMap<Long, Place> places = new TreeMap<>();

    /** A used place, of whole pages. */
    record Place(WindowExporter owner, long offset, long bytes) {
        long end() {
            return offset + bytes;
        }
    }

    /** @param bytes of the window, a multiple of 4096 */
    HostWindow(long bytes) {
        this.bytes = bytes;
    }

    /** Size in bytes. */
    long bytes() {
        return bytes;
    }

    /** Whether whole pages are inside. */
    boolean contains(long offset, long length) {
        return offset >= 0 && offset % SharedRegion.PAGE == 0 && length <= bytes && offset <= bytes - length;
    }

    /** The places that overlap a range. */
    synchronized List<Place> in(long offset, long length) {
        List<Place> found = new ArrayList<>();
        Map.Entry<Long, Place> at = places.lowerEntry(offset + length);
        while (at != null && at.getValue().end() > offset) {
            found.add(at.getValue());
            at = places.lowerEntry(at.getKey());
        }
        return found;
    }

    /** The place of an owner, or null before its memory is allocated. */
    synchronized @Nullable Place of(WindowExporter owner) {
        for (Place place : places.values()) {
            if (place.owner() == owner) return place;
        }
        return null;
    }

    /** Takes a given place, or null if a part of it is used. */
    synchronized @Nullable Place take(WindowExporter owner, long offset, long length) {
        return in(offset, length).isEmpty() ? put(owner, offset, length) : null;
    }

    /**
     * Takes the last place that is large enough and does not overlap a range, or null if there is none.
     *
     * @param keptFrom begin of the range
     * @param keptTo its end, after the last byte; equal for an empty range
     */
    synchronized @Nullable Place take(WindowExporter owner, long length, long keptFrom, long keptTo) {
        long end = bytes;
        for (Map.Entry<Long, Place> at = places.lastEntry();; at = places.lowerEntry(at.getKey())) {
            long begin = at == null ? 0 : at.getValue().end();
            long offset = lastIn(begin, end, length, keptFrom, keptTo);
            if (offset >= 0) return put(owner, offset, length);
            if (at == null) return null;
            end = at.getKey();
        }
    }

    /** The last offset in a free range outside of the kept one, or −1. */
    private static long lastIn(long begin, long end, long length, long keptFrom, long keptTo) {
        if (keptFrom >= keptTo || keptTo <= begin || keptFrom >= end) return end - begin >= length ? end - length : -1;
        if (end - keptTo >= length) return end - length;
        return keptFrom - begin >= length ? keptFrom - length : -1;
    }

    private Place put(WindowExporter owner, long offset, long length) {
        Place place = new Place(owner, offset, length);
        places.put(offset, place);
        return place;
    }

    synchronized void free(Place place) {
        places.remove(place.offset());
    }

    /** Bytes of all places. */
    synchronized long used() {
        long used = 0;
        for (Place place : places.values()) used += place.bytes();
        return used;
    }
}
