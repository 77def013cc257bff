package sluice.vdev.trace;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

/** The cost of each frame: all events since the previous frame of any device, and the device that ends it. */
public final class Frames {
    private static final String LINE = "%-20s %8s %14s %20s %20s %20s %20s %20s %20s %8s %9s%n";

    private Frames() {}

    /**
     * The printed frames.
     *
     * @param frames number of frames
     */
    public record Printed(long frames, Missed missed) {}

    /** Prints a line for each frame, and one for the events after the last; ends early if the output is closed. */
    public static Printed print(Recording recording, PrintWriter out) throws IOException {
        RecordingHeader header = recording.header();
        EventCursor events = recording.events();
        Work work = new Work();
        long frames = 0;
        boolean isPending = false;
        Names names = recording.names();
        out.printf(Locale.ROOT, LINE, "device", "frame", "seconds", "copied", "mapped", "flushed", "skipped",
                "translated", "missed", "faults", "findings");
        for (Event event = events.next(); event != null; event = events.next()) {
            work.add(event);
            isPending = true;
            if (event.kind() != EventKind.FRAME) continue;
            line(out, event.attachment() == 0 ? "" : names.of(event.attachment()), Long.toUnsignedString(event.from()),
                    Quantity.seconds(header.sinceStart(event.nanoTime())), work);
            frames++;
            work = new Work();
            isPending = false;
            if (out.checkError()) break;
        }
        if (isPending) line(out, "", "later", "", work);
        return new Printed(frames, events.missed());
    }

    private static void line(PrintWriter out, String device, String frame, String seconds, Work work) {
        List<Object> columns = new ArrayList<>(List.of(device, frame, seconds));
        for (Sum sum : List.of(work.copied(), work.of(EventKind.MAP), work.flushed(), work.of(EventKind.SKIP),
                work.translated(), work.missed())) {
            columns.add(Quantity.bytesAndNanos(sum));
        }
        for (EventKind kind : List.of(EventKind.FAULT, EventKind.FINDING)) {
            columns.add(work.of(kind).events());
        }
        out.printf(Locale.ROOT, LINE, columns.toArray());
    }
}
