package sluice.vdev.trace;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** Several events together. Damaged numbers may make a sum overflow; that is no error. */
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

    /** What was moved; of a mapping, which moves nothing, what was mapped. */
    private static long bytes(Event event) {
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
