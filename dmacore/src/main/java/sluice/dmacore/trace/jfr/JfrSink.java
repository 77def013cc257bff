package sluice.dmacore.trace.jfr;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * Tells JDK Flight Recorder: after {@code jcmd PID JFR.start} the events are there under the names {@code sluice.Transfer},
 * {@code sluice.CacheOperation} and so on. While no recording wants them, telling one is the check of a flag or two and makes
 * no garbage, in compiled and in other code; while one does, JFR keeps it in its own buffers.
 */
public final class JfrSink implements TraceSink {

    /** What JFR knows about our events; asking it costs time, and is not done before anybody records. */
    private static final class Types {
        private static final Map<EventKind, EventType> BY_KIND = new EnumMap<>(EventKind.class);
        private static final EventType NAMED = EventType.getEventType(BufferEvent.Named.class);

        static {
            for (EventKind kind : EventKind.values()) {
                BY_KIND.put(kind, EventType.getEventType(maker(kind).get().getClass()));
            }
        }

        static boolean isEnabled(EventKind kind) {
            EventType type = BY_KIND.get(kind);
            return type != null && type.isEnabled();
        }

        static boolean isAnyEnabled() {
            for (EventType type : BY_KIND.values()) {
                if (type.isEnabled()) return true;
            }
            return false;
        }
    }

    /** Whether a recording wants any of the events. */
    @Override
    public boolean isOn() {
        return FlightRecorder.isInitialized() && Types.isAnyEnabled();
    }

    /** Kept by a recording that is running at this moment, and by no later one. */
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
            long nanos) {
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
            case SYNC_FOR_DEVICE, SYNC_FOR_CPU -> BufferEvent.Transfer::new;
            case BEGIN_CPU_ACCESS, END_CPU_ACCESS -> BufferEvent.CpuAccess::new;
            case WRITE_BACK, INVALIDATE, SKIP -> BufferEvent.CacheOperation::new;
            case BOUNCE, MOVE, COPY -> BufferEvent.Copy::new;
            case FAULT, MISS, TRANSLATE -> BufferEvent.Translation::new;
            case FRAME -> BufferEvent.Frame::new;
            case FINDING -> BufferEvent.Finding::new;
        };
    }
}
