package sluice.dmacore.trace.jfr;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * Passes events to JDK Flight Recorder: after {@code jcmd PID JFR.start} they are recorded under the names {@code
 * sluice.Transfer}, {@code sluice.CacheOperation} and so on. While no recording is running, an event costs the check of
 * one or two flags and allocates nothing, compiled or interpreted; otherwise JFR stores it in its own buffers.
 */
public final class JfrSink implements TraceSink {

    /** JFR's types of our events; looked up only when a recording is running, because that is slow. */
    private static final class Types {
        private static final Map<EventKind, EventType> BY_KIND = new EnumMap<>(EventKind.class);
        private static final EventType[] ALL;
        private static final EventType NAMED = EventType.getEventType(BufferEvent.Named.class);

        static {
            for (EventKind kind : EventKind.values()) {
                BY_KIND.put(kind, EventType.getEventType(maker(kind).get().getClass()));
            }
            ALL = BY_KIND.values().stream().distinct().toArray(EventType[]::new);
        }

        static boolean isEnabled(EventKind kind) {
            EventType type = BY_KIND.get(kind);
            return type != null && type.isEnabled();
        }

        static boolean isAnyEnabled() {
            for (EventType type : ALL) {
                if (type.isEnabled()) return true;
            }
            return false;
        }
    }

    /** Whether a recording has enabled any of the events. */
    @Override
    public boolean isOn() {
        return FlightRecorder.isInitialized() && Types.isAnyEnabled();
    }

    /** Stored by a recording that is running now, not by later ones. */
    @Override
    public void name(int number, String name) {
        if (!FlightRecorder.isInitialized() || !Types.NAMED.isEnabled()) return;
        BufferEvent.Named event = new BufferEvent.Named();
        event.number = number;
        event.name = name;
        event.commit();
    }

    @Override
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        if (!FlightRecorder.isInitialized() || !Types.isEnabled(kind)) return;
        BufferEvent event = maker(kind).get();
        event.kind = kind.name();
        event.buffer = buffer;
        event.attachment = attachment;
        event.detail = detail;
        event.from = from;
        event.length = length;
        event.bytes = bytes;
        event.took = nanos;
        event.commit();
    }

    private static Supplier<BufferEvent> maker(EventKind kind) {
        return switch (kind) {
            case EXPORT, RELEASE, ALLOCATE, ATTACH, DETACH, GET_SEGMENTS, PUT_SEGMENTS, REVOKE, PIN, UNPIN ->
                BufferEvent.Lifetime::new;
            case MAP, UNMAP -> BufferEvent.Mapping::new;
            case SYNC_FOR_DEVICE, SYNC_FOR_CPU, CALL -> BufferEvent.Transfer::new;
            case BEGIN_CPU_ACCESS, END_CPU_ACCESS -> BufferEvent.CpuAccess::new;
            case WRITE_BACK, INVALIDATE, SKIP -> BufferEvent.CacheOperation::new;
            case BOUNCE, MOVE, COPY -> BufferEvent.Copy::new;
            case FAULT, MISS, TRANSLATE -> BufferEvent.Translation::new;
            case FRAME -> BufferEvent.Frame::new;
            case COMMAND, ANSWER, DISPLAY, BATCH -> BufferEvent.Request::new;
            case FINDING -> BufferEvent.Finding::new;
        };
    }
}
