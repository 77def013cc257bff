package sluice.vdev.trace;

import java.io.IOException;
import java.io.PrintWriter;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

/** All events as RFC 4180 CSV, one per line. */
public final class CsvExport {
    private CsvExport() {}

    /** Prints a header line and the events; ends early if the output is closed. Addresses and offsets are unsigned. */
    public static Missed print(Recording recording, PrintWriter out) throws IOException {
        RecordingHeader header = recording.header();
        Names names = recording.names();
        EventCursor events = recording.events();
        out.print("sequence,nanos_since_start,kind,buffer,buffer_name,attachment,attachment_name,detail,from,length,"
                + "bytes,nanos\r\n");
        for (Event event = events.next(); event != null; event = events.next()) {
            out.print(event.sequence() + "," + header.sinceStart(event.nanoTime()) + "," + event.kind() + ","
                    + event.buffer() + "," + quoted(names.find(event.buffer())) + "," + event.attachment() + ","
                    + quoted(names.find(event.attachment())) + "," + event.detail() + ","
                    + Long.toUnsignedString(event.from()) + "," + event.length() + "," + event.bytes() + ","
                    + event.nanos() + "\r\n");
            // The check flushes, so it is not done for every line.
            if ((event.sequence() & 0xfff) == 0 && out.checkError()) break;
        }
        return events.missed();
    }

    private static String quoted(@Nullable String text) {
        return text == null ? "" : "\"" + text.replace("\"", "\"\"") + "\"";
    }
}
