package sluice.dmacore.trace;

/** Passes events to two sinks, each only while it is on. */
public final class TwoSinks implements TraceSink {
    private final TraceSink first;
    private final TraceSink second;

    private TwoSinks(TraceSink first, TraceSink second) {
        this.first = first;
        this.second = second;
    }

    /** A sink that passes events to both; if one of them discards all events, the other itself. */
    public static TraceSink of(TraceSink first, TraceSink second) {
        if (NONE.equals(first)) return second;
        if (NONE.equals(second)) return first;
        return new TwoSinks(first, second);
    }

    @Override
    public boolean isOn() {
        return first.isOn() || second.isOn();
    }

    /** Always passed on: a sink may be switched on later, and names are not repeated. */
    @Override
    public void name(int number, String name) {
        first.name(number, name);
        second.name(number, name);
    }

    @Override
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        if (first.isOn()) first.record(kind, buffer, attachment, detail, from, length, bytes, nanos, ended);
        if (second.isOn()) second.record(kind, buffer, attachment, detail, from, length, bytes, nanos, ended);
    }
}
