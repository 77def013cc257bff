package sluice.vdev.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.vdev.profile.CostModel;
import sluice.vdev.profile.JfrRecorder;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.serve.ErrorOutput;

/** {@code --profile=DIR} of a command that serves devices; a mixin for picocli. */
final class ProfileOption {
    @Option(names = "--profile", paramLabel = "DIR", description = "Profile the devices: at the end DIR has a trace for ui.perfetto.dev, a report in HTML, and recordings. Read by: sluice profile.")
    private @Nullable Path folder;

    @Option(names = "--profile-events", paramLabel = "N", defaultValue = "262144", description = "Number of newest events that the profile keeps, a power of two, 64 bytes each (default ${DEFAULT-VALUE}).")
    private int events = RecorderOptions.DEFAULT_CAPACITY;

    /**
     * A profile being recorded; the end writes the reports.
     *
     * @param sink receives the events
     */
    record Open(TraceSink sink, ProfileFolder folder, FlightRecorder recorder, JfrRecorder jfr) implements Closeable {
        @Override
        public void close() throws IOException {
            jfr.close();
            recorder.close();
            folder.write(CostModel.PRESETS);
            ErrorOutput.ofProcess().write("sluice: profile %s%n".formatted(folder.report()));
        }
    }

    /**
     * Starts profiling, if asked for.
     *
     * @throws IOException a recording cannot be created
     * @throws IllegalArgumentException the number of events is invalid
     */
    @Nullable
    Open open() throws IOException {
        Path to = folder;
        if (to == null) return null;
        ProfileFolder files = new ProfileFolder(to);
        RecorderOptions options = new RecorderOptions(files.recording(), events, RecorderOptions.DEFAULT_NAMES_BYTES);
        files.create();
        FlightRecorder recorder = FlightRecorder.startMapped(options);
        boolean started = false;
        try {
            Open open = new Open(recorder, files, recorder, JfrRecorder.start(files.jfr()));
            started = true;
            return open;
        } finally {
            if (!started) recorder.close();
        }
    }
}
