package sluice.vdev.trace;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

/** The events of one buffer or attachment, one per line. */
public final class Timeline {
    private Timeline() {}

    /**
     * The printed events.
     *
     * @param events number of events
     */
    public record Printed(long events, Missed missed) {}

    /** Prints the events of a buffer or an attachment; ends early if the output is closed. */
    public static Printed print(Recording recording, int number, PrintWriter out) throws IOException {
        RecordingHeader header = recording.header();
        Names names = recording.names();
        EventCursor events = recording.events();
        long printed = 0;
        for (Event event = events.next(); event != null; event = events.next()) {
            if (event.buffer() != number && event.attachment() != number) continue;
            if (printed == 0) {
                out.printf(Locale.ROOT, "%s%n%14s  %-16s %-12s %-24s %-26s %s%n", names.of(number), "seconds", "kind",
                        "detail",
                        "attachment", "range", "moved");
            }
            printed++;
            out.printf(Locale.ROOT, "%14s  %-16s %-12s %-24s %-26s %s%n",
                    Quantity.seconds(header.sinceStart(event.nanoTime())),
                    event.kind(), Details.of(event), event.attachment() == 0 ? "" : names.of(event.attachment()),
                    range(event), moved(event));
            if (out.checkError()) break;
        }
        return new Printed(printed, events.missed());
    }

    private static String range(Event event) {
        if (event.from() == 0 && event.length() == 0) return "";
        String from = "0x" + Long.toHexString(event.from());
        return event.length() == 0 ? from : from + " + " + Quantity.bytes(event.length());
    }

    private static String moved(Event event) {
        String bytes = event.bytes() == 0 || event.kind() == EventKind.COMMAND ? "" : Quantity.bytes(event.bytes());
        return event.nanos() == 0 ? bytes : (bytes + " in " + Quantity.nanos(event.nanos())).strip();
    }
}
