package sluice.dmacore.trace;

import java.util.ArrayList;
import java.util.List;

/**
 * Passes events to sinks that come and go while devices run; discards them while there is none. It keeps no names: whoever adds a sink
 * tells it those that were given before, see {@link sluice.dmacore.buffer.DmaCore#nameAll}.
 */
public final class SwitchedSink implements TraceSink {
    /** Under the lock. */
    private final List<TraceSink> sinks = new ArrayList<>();
    private volatile TraceSink target = NONE;

    /** Passes events to a sink from here on. */
    public synchronized void add(TraceSink sink) {
        sinks.add(sink);
        join();
    }

    /** Passes no more events to a sink; those of other threads that have begun may still arrive. */
    public synchronized void remove(TraceSink sink) {
        sinks.remove(sink);
        join();
    }

    private void join() {
        TraceSink joined = NONE;
        for (TraceSink sink : sinks) joined = TwoSinks.of(joined, sink);
        target = joined;
    }

    @Override
    public boolean isOn() {
        return target.isOn();
    }

    @Override
    public void name(int number, String name) {
        target.name(number, name);
    }

    @Override
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        target.record(kind, buffer, attachment, detail, from, length, bytes, nanos, ended);
    }
}
