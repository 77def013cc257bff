package sluice.bench.dmacore;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;

/** A flight recorder for as long as the JVM runs. */
final class Recorders {
    private Recorders() {}

    static TraceSink open() throws IOException {
        Path file = Files.createTempDirectory("sluice-bench").resolve("recording");
        file.toFile().deleteOnExit();
        FlightRecorder recorder = FlightRecorder.start(RecorderOptions.of(file));
        if (!recorder.awaitOpen()) throw new IOException("the recorder did not open");
        return recorder;
    }
}
