package sluice.vdev.trace;

import java.io.IOException;
import java.io.Writer;
import java.util.Map;

import com.google.gson.stream.JsonWriter;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

/**
 * Chrome's trace events (the document "Trace Event Format"), which ui.perfetto.dev and chrome://tracing open: a track for each
 * buffer and each attachment, spans for mappings and CPU accesses, and counters of what a frame has cost.
 */
public final class ChromeExport {
    private static final int NANOS_PER_MICRO = 1000;

    private final JsonWriter json;
    private final RecordingHeader header;

    private ChromeExport(JsonWriter json, RecordingHeader header) {
        this.json = json;
        this.header = header;
    }

    /** Writes one JSON object. */
    public static Missed write(Recording recording, Writer out) throws IOException {
        JsonWriter json = new JsonWriter(out);
        ChromeExport export = new ChromeExport(json, recording.header());
        json.beginObject().name("displayTimeUnit").value("ns").name("traceEvents").beginArray();
        export.names(recording);
        Missed missed = export.events(recording.events());
        json.endArray().endObject();
        json.flush();
        return missed;
    }

    private void names(Recording recording) throws IOException {
        meta("process_name", 0, "Sluice " + header.pid());
        meta("thread_name", 0, "device");
        for (Map.Entry<Integer, String> name : recording.names().byNumber().entrySet()) {
            meta("thread_name", name.getKey(), name.getValue());
        }
    }

    private void meta(String what, int track, String name) throws IOException {
        json.beginObject().name("ph").value("M").name("pid").value(header.pid()).name("tid").value(track).name("name")
                .value(what).name("args").beginObject().name("name").value(name).endObject().endObject();
    }

    private Missed events(EventCursor events) throws IOException {
        Work frame = new Work();
        for (Event event = events.next(); event != null; event = events.next()) {
            frame.add(event);
            write(event);
            switch (event.kind()) {
                case MAP -> span("b", "mapped", event, event.nanoTime());
                // The duration of the unmap is not part of the mapping.
                case UNMAP -> span("e", "mapped", event, event.nanoTime() - event.nanos());
                case BEGIN_CPU_ACCESS -> span("b", "CPU access", event, event.nanoTime());
                case END_CPU_ACCESS -> span("e", "CPU access", event, event.nanoTime() - event.nanos());
                case FRAME -> {
                    counters(event, frame);
                    frame = new Work();
                }
                default -> {
                    // all there is to it is written
                }
            }
        }
        return events.missed();
    }

    /** One that took time as a slice, another as an instant. */
    private void write(Event event) throws IOException {
        boolean isSlice = event.nanos() > 0;
        begin(isSlice ? "X" : "i", event.kind().name(), event, event.nanoTime() - (isSlice ? event.nanos() : 0));
        if (isSlice) {
            json.name("dur").jsonValue(micros(event.nanos()));
        } else {
            json.name("s").value(event.kind() == EventKind.FRAME ? "p" : "t");
        }
        json.name("args").beginObject().name("sequence").value(event.sequence()).name("buffer").value(event.buffer())
                .name("attachment").value(event.attachment()).name("detail").value(Details.of(event)).name("from")
                .value("0x" + Long.toHexString(event.from())).name("length").value(event.length()).name("bytes")
                .value(event.bytes()).endObject().endObject();
    }

    private void begin(String phase, String name, Event event, long nanoTime) throws IOException {
        json.beginObject().name("ph").value(phase).name("pid").value(header.pid()).name("tid").value(event.subject())
                .name("cat").value("sluice").name("name").value(name).name("ts")
                .jsonValue(micros(header.sinceStart(nanoTime)));
    }

    private void span(String phase, String name, Event event, long nanoTime) throws IOException {
        begin(phase, name, event, nanoTime);
        json.name("id").value(event.subject()).endObject();
    }

    private void counters(Event event, Work frame) throws IOException {
        begin("C", "bytes of a frame", event, event.nanoTime());
        json.name("args").beginObject().name("copied").value(frame.copied().bytes()).name("flushed")
                .value(frame.flushed().bytes()).name("skipped").value(frame.of(EventKind.SKIP).bytes()).endObject()
                .endObject();
        begin("C", "misses of a frame", event, event.nanoTime());
        json.name("args").beginObject().name("misses").value(frame.missed().events()).endObject()
                .endObject();
    }

    /** Microseconds with three decimals: a double would round long recordings. */
    private static String micros(long nanos) {
        if (nanos == Long.MIN_VALUE) return "0"; // has no opposite, and no clock shows it
        long whole = Math.abs(nanos);
        String sign = nanos < 0 ? "-" : "";
        String decimals = Long.toString(NANOS_PER_MICRO + whole % NANOS_PER_MICRO).substring(1);
        return sign + whole / NANOS_PER_MICRO + "." + decimals;
    }
}
