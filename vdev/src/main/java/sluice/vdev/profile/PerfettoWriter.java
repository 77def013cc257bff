package sluice.vdev.profile;

import java.io.IOException;
import java.io.OutputStream;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes a trace in Perfetto's native format: a sequence of {@code TracePacket}s with tracks, slices and counters. Field numbers are
 * those of Perfetto's {@code protos/perfetto/trace}: trace_packet.proto, track_event/track_event.proto, track_descriptor.proto,
 * interned_data/interned_data.proto, clock_snapshot.proto. Times are nanoseconds of CLOCK_MONOTONIC, which is the JVM's clock on Linux.
 */
final class PerfettoWriter {
    private static final int SEQUENCE = 1;
    private static final int CLOCK_REALTIME = 1;
    private static final int CLOCK_MONOTONIC = 3;
    private static final int STATE_CLEARED = 1;
    private static final int NEEDS_STATE = 2;
    /** Values of the enumeration TrackEvent.Type. */
    private static final int SLICE_BEGIN = 1;
    private static final int SLICE_END = 2;
    private static final int INSTANT = 3;
    private static final int COUNTER = 4;
    /** Value of the enumeration CounterDescriptor.Unit. */
    static final int UNIT_COUNT = 2;
    static final int UNIT_BYTES = 3;

    /** Fields of TracePacket. */
    private static final class Packet {
        static final int CLOCK_SNAPSHOT = 6;
        static final int TIMESTAMP = 8;
        static final int SEQUENCE_ID = 10;
        static final int TRACK_EVENT = 11;
        static final int INTERNED_DATA = 12;
        static final int SEQUENCE_FLAGS = 13;
        static final int DEFAULTS = 59;
        static final int TRACK_DESCRIPTOR = 60;
        static final int TIMESTAMP_CLOCK_ID = 58;
    }

    /** Fields of TrackEvent. */
    private static final class TrackEvent {
        static final int ANNOTATIONS = 4;
        static final int TYPE = 9;
        static final int NAME_IID = 10;
        static final int TRACK_UUID = 11;
        static final int COUNTER_VALUE = 30;
    }

    /** Fields of TrackDescriptor. */
    private static final class Descriptor {
        static final int UUID = 1;
        static final int NAME = 2;
        static final int PROCESS = 3;
        static final int PARENT = 5;
        static final int COUNTER = 8;
    }

    private final OutputStream out;
    private final ProtoMessage packet = new ProtoMessage();
    private final ProtoMessage inner = new ProtoMessage();
    private final ProtoMessage interned = new ProtoMessage();
    private final ProtoMessage entry = new ProtoMessage();
    private final ProtoMessage framed = new ProtoMessage();
    private final ProtoMessage annotations = new ProtoMessage();
    private final Map<String, Long> names = new HashMap<>();
    private final Map<String, Long> annotationNames = new HashMap<>();
    private boolean hasNewNames;

    PerfettoWriter(OutputStream out) {
        this.out = out;
    }

    private void end() throws IOException {
        packet.number(Packet.SEQUENCE_ID, SEQUENCE);
        framed.clear().message(1, packet).writeTo(out); // Trace.packet
    }

    /** The first packet: which clock the times are of, and what it showed at a moment of the time of day. */
    void clocks(long monotonicNanos, long epochNanos) throws IOException {
        entry.clear().number(1, CLOCK_MONOTONIC).number(2, monotonicNanos);
        inner.clear().message(1, entry);
        entry.clear().number(1, CLOCK_REALTIME).number(2, epochNanos);
        inner.message(1, entry).number(2, CLOCK_MONOTONIC); // primary_trace_clock
        packet.clear().message(Packet.CLOCK_SNAPSHOT, inner);
        end();
        entry.clear().number(Packet.TIMESTAMP_CLOCK_ID, CLOCK_MONOTONIC);
        packet.clear().number(Packet.SEQUENCE_FLAGS, STATE_CLEARED).message(Packet.DEFAULTS, entry);
        end();
    }

    /** A process, the parent of its tracks. */
    void process(long uuid, long pid, String name) throws IOException {
        entry.clear().number(1, pid).text(6, name); // ProcessDescriptor
        inner.clear().number(Descriptor.UUID, uuid).text(Descriptor.NAME, name).message(Descriptor.PROCESS, entry);
        descriptor();
    }

    void track(long uuid, long parent, String name) throws IOException {
        inner.clear().number(Descriptor.UUID, uuid).text(Descriptor.NAME, name).number(Descriptor.PARENT, parent);
        descriptor();
    }

    /** @param unit {@link #UNIT_COUNT} or {@link #UNIT_BYTES} */
    void counterTrack(long uuid, long parent, String name, int unit) throws IOException {
        entry.clear().number(3, unit); // CounterDescriptor
        inner.clear().number(Descriptor.UUID, uuid).text(Descriptor.NAME, name).number(Descriptor.PARENT, parent)
                .message(Descriptor.COUNTER, entry);
        descriptor();
    }

    private void descriptor() throws IOException {
        packet.clear().message(Packet.TRACK_DESCRIPTOR, inner);
        end();
    }

    /** Adds an annotation to the next event. */
    void annotate(String name, long value) {
        entry.clear().number(1, iid(annotationNames, name, 3)).number(4, value); // DebugAnnotation: name_iid, int_value
        annotations.message(TrackEvent.ANNOTATIONS, entry);
    }

    void begin(long track, long time, String name) throws IOException {
        inner.clear().number(TrackEvent.TYPE, SLICE_BEGIN);
        named(track, time, name);
    }

    void instant(long track, long time, String name) throws IOException {
        inner.clear().number(TrackEvent.TYPE, INSTANT);
        named(track, time, name);
    }

    private void named(long track, long time, String name) throws IOException {
        inner.number(TrackEvent.NAME_IID, iid(names, name, 2)).number(TrackEvent.TRACK_UUID, track).append(annotations);
        annotations.clear();
        event(time);
    }

    void end(long track, long time) throws IOException {
        inner.clear().number(TrackEvent.TYPE, SLICE_END).number(TrackEvent.TRACK_UUID, track);
        event(time);
    }

    void count(long track, long time, long value) throws IOException {
        inner.clear().number(TrackEvent.TYPE, COUNTER).number(TrackEvent.TRACK_UUID, track)
                .number(TrackEvent.COUNTER_VALUE, value);
        event(time);
    }

    private void event(long time) throws IOException {
        packet.clear().number(Packet.TIMESTAMP, time).number(Packet.SEQUENCE_FLAGS, NEEDS_STATE)
                .message(Packet.TRACK_EVENT, inner);
        if (hasNewNames) {
            packet.message(Packet.INTERNED_DATA, interned);
            interned.clear();
            hasNewNames = false;
        }
        end();
    }

    /**
     * The number of a name; a new one is defined in the next packet.
     *
     * @param field of InternedData: 2 event names, 3 names of annotations; their entries have iid and name
     */
    private long iid(Map<String, Long> known, String name, int field) {
        Long present = known.get(name);
        if (present != null) return present;
        long next = known.size() + 1L;
        known.put(name, next);
        ProtoMessage defined = new ProtoMessage().number(1, next).text(2, name);
        interned.message(field, defined);
        hasNewNames = true;
        return next;
    }
}
