package sluice.vdev.loopback;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/** Records all events. */
public final class KeptTrace implements TraceSink {
    /** An event, as {@link TraceSink#record} has it. */
    public record Told(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos) {}

    private final List<Told> events = new CopyOnWriteArrayList<>();
    private final Map<Integer, String> names = new ConcurrentHashMap<>();
    private final boolean on;

    /** @param on whether it is on */
    public KeptTrace(boolean on) {
        this.on = on;
    }

    /** All events, in the order in which they came. */
    public List<Told> events() {
        return List.copyOf(events);
    }

    /** Those of one kind. */
    public List<Told> of(EventKind kind) {
        return events.stream().filter(told -> told.kind() == kind).toList();
    }

    /** What the numbers stand for. */
    public Map<Integer, String> names() {
        return Map.copyOf(names);
    }

    @Override
    public boolean isOn() {
        return on;
    }

    @Override
    public void name(int number, String name) {
        names.put(number, name);
    }

    @Override
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        events.add(new Told(kind, buffer, attachment, detail, from, length, bytes, nanos));
    }
}
