package sluice.vdev.trace;

import java.util.EnumMap;
import java.util.Map;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** The work for a buffer, for a frame, or in total. */
final class Work {
    private static final Sum NONE = new Sum();

    private final Map<EventKind, Sum> byKind = new EnumMap<>(EventKind.class);

    void add(Event event) {
        byKind.computeIfAbsent(event.kind(), _ -> new Sum()).add(event);
    }

    Sum of(EventKind kind) {
        return byKind.getOrDefault(kind, NONE);
    }

    private Sum all(EventKind... kinds) {
        Sum all = new Sum();
        for (EventKind kind : kinds) all.add(of(kind));
        return all;
    }

    /** Ownership transfers, including maps and unmaps. */
    Sum transfers() {
        return all(EventKind.MAP, EventKind.UNMAP, EventKind.SYNC_FOR_DEVICE, EventKind.SYNC_FOR_CPU);
    }

    /** Cache operations that were performed. */
    Sum flushed() {
        return all(EventKind.WRITE_BACK, EventKind.INVALIDATE);
    }

    /** Addresses translated here. */
    Sum translated() {
        return of(EventKind.TRANSLATE);
    }

    /** IOTLB misses, and the time waited for them. */
    Sum missed() {
        return of(EventKind.MISS);
    }

    /** All bytes copied, except by the cache model. */
    Sum copied() {
        return all(EventKind.COPY, EventKind.BOUNCE, EventKind.MOVE);
    }
}
