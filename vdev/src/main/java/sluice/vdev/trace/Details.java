package sluice.vdev.trace;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.trace.recording.Event;

/** The text for {@code detail} of an event. */
final class Details {
    private Details() {}

    /** The name of a rule by its number, if known to this version. */
    static String rule(int number) {
        Rule rule = Rule.numbered(number);
        return rule == null ? "rule " + number : rule.name();
    }

    static String of(Event event) {
        int detail = event.detail();
        return switch (event.kind()) {
            case GET_SEGMENTS -> detail == 1 ? "list was cached" : "";
            case SKIP -> detail == 0 ? "write-back" : detail == 1 ? "invalidate" : Integer.toString(detail);
            case FINDING -> rule(detail);
            case MISS -> detail == 1 ? "refused" : "";
            case BATCH -> event.length() + " requests";
            case COMMAND -> event.bytes() == 0 ? "" : "number " + event.bytes();
            case CALL -> "guest's clock " + event.bytes() + " ns";
            case ANSWER -> detail == 1 ? "with an interrupt" : "";
            case EXPORT, RELEASE, ALLOCATE, ATTACH, DETACH, PUT_SEGMENTS, REVOKE, PIN, UNPIN, FAULT, FRAME, TRANSLATE,
                    DISPLAY ->
                detail == 0 ? "" : Integer.toString(detail);
            case MAP, UNMAP, SYNC_FOR_DEVICE, SYNC_FOR_CPU, BEGIN_CPU_ACCESS, END_CPU_ACCESS, WRITE_BACK, INVALIDATE,
                    BOUNCE, MOVE, COPY ->
                switch (detail) {
                    case 0 -> "both ways";
                    case 1 -> "to device";
                    case 2 -> "from device";
                    default -> Integer.toString(detail);
                };
        };
    }
}
