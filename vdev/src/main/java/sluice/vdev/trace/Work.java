package sluice.vdev.trace;

import java.util.EnumMap;
import java.util.Map;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** What was done for something: a buffer, a frame, everything. */
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

    /** Ownership transfers: mappings and their ends, too. */
    Sum transfers() {
        return all(EventKind.MAP, EventKind.UNMAP, EventKind.SYNC_FOR_DEVICE, EventKind.SYNC_FOR_CPU);
    }

    /** Cache operations that were performed. */
    Sum flushed() {
        return all(EventKind.WRITE_BACK, EventKind.INVALIDATE);
    }

    /** Addresses that were looked up here. */
    Sum translated() {
        return of(EventKind.TRANSLATE);
    }

    /** Addresses that the VM's IOMMU was asked for, and how long was waited for the answers. */
    Sum missed() {
        return of(EventKind.MISS);
    }

    /** All bytes that were copied, for whatever reason but a modelled cache. */
    Sum copied() {
        return all(EventKind.COPY, EventKind.BOUNCE, EventKind.MOVE);
    }
}
