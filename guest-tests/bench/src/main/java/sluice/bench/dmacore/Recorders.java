package sluice.bench.dmacore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;

/** A flight recorder for as long as the JVM runs. */
final class Recorders {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Recorders() {}

    static TraceSink open() throws IOException {
        Path file = Files.createTempDirectory("sluice-bench").resolve("recording");
        file.toFile().deleteOnExit();
        FlightRecorder recorder = FlightRecorder.start(RecorderOptions.of(file));
        try {
            if (!recorder.awaitOpen(LIMIT)) throw new IOException("the recorder did not open within " + LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the recorder was opening", e);
        }
        return recorder;
    }
}
