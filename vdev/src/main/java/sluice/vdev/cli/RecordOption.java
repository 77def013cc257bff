package sluice.vdev.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.TwoSinks;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.jfr.JfrSink;

/** {@code --record=FILE} of a command that serves devices; a mixin for picocli. */
final class RecordOption {
    @Option(names = "--record", paramLabel = "FILE", description = "Record the newest events in this file, which survives the process; read it with: sluice trace FILE.")
    private @Nullable Path file;

    @Option(names = "--record-events", paramLabel = "N", defaultValue = "262144", description = "Number of events to keep, a power of two, 64 bytes each (default ${DEFAULT-VALUE}).")
    private int events = RecorderOptions.DEFAULT_CAPACITY;

    /**
     * An open recorder.
     *
     * @param sink receives the events: JDK Flight Recorder while it is enabled, and the file if there is one
     */
    record Open(TraceSink sink, @Nullable FlightRecorder recorder) implements Closeable {
        @Override
        public void close() throws IOException {
            if (recorder != null) recorder.close();
        }
    }

    /**
     * Checks the options, and creates nothing.
     *
     * @throws IllegalArgumentException the number of events is invalid
     */
    void check() {
        Path to = file;
        if (to != null) options(to);
    }

    private RecorderOptions options(Path to) {
        return new RecorderOptions(to, events, RecorderOptions.DEFAULT_NAMES_BYTES);
    }

    /**
     * Starts recording.
     *
     * @param more receives the events, too
     * @throws IOException the file cannot be created, or exists and is not a recording
     * @throws IllegalArgumentException the number of events is invalid
     */
    Open open(TraceSink more) throws IOException {
        TraceSink jfr = TwoSinks.of(more, new JfrSink());
        Path to = file;
        if (to == null) return new Open(jfr, null);
        FlightRecorder recorder = FlightRecorder.startMapped(options(to));
        return new Open(TwoSinks.of(recorder, jfr), recorder);
    }
}
