package sluice.dmacore.trace.chronicle;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Event;

/** Events whose fields follow from two numbers, so that one with a part of another is recognised. */
final class MarkedEvents {
    private static final EventKind[] KINDS = EventKind.values();

    private MarkedEvents() {}

    static void tell(TraceSink sink, int teller, int number) {
        long mark = mark(teller, number);
        sink.record(KINDS[number % KINDS.length], teller, number, (int) mark, mark, ~mark, mark * 3, mark * 5,
                TraceSink.NOW);
    }

    private static long mark(int teller, int number) {
        return ((long) teller << 32 | number) * 0x9e37_79b9_7f4a_7c15L;
    }

    /** Whether it is one that {@link #tell} has told. */
    static boolean isWhole(Event event) {
        long mark = mark(event.buffer(), event.attachment());
        return event.kind() == KINDS[event.attachment() % KINDS.length] && event.detail() == (int) mark
                && event.from() == mark && event.length() == ~mark && event.bytes() == mark * 3
                && event.nanos() == mark * 5;
    }
}
