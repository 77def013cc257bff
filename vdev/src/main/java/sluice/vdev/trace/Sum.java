package sluice.vdev.trace;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** The sum of several events. Corrupt numbers may make it overflow, which is not an error. */
final class Sum {
    private long events;
    private long bytes;
    private long nanos;

    void add(Event event) {
        events++;
        bytes += bytes(event);
        nanos += event.nanos();
    }

    void add(Sum other) {
        events += other.events;
        bytes += other.bytes;
        nanos += other.nanos;
    }

    /** Bytes moved; for a mapping, bytes mapped. */
    private static long bytes(Event event) {
        if (event.kind() == EventKind.COMMAND) return 0; // it has its number there
        if (event.kind() == EventKind.CALL) return event.length(); // it has a time there
        boolean isMapping = event.kind() == EventKind.MAP || event.kind() == EventKind.UNMAP;
        return isMapping && event.bytes() == 0 ? event.length() : event.bytes();
    }

    long events() {
        return events;
    }

    long bytes() {
        return bytes;
    }

    long nanos() {
        return nanos;
    }
}
