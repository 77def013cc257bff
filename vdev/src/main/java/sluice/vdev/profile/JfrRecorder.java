package sluice.vdev.profile;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;

import jdk.jfr.Configuration;
import jdk.jfr.Recording;

/**
 * A recording of JDK Flight Recorder for a profile: samples of stacks, pauses, and the rare ones of our events. Those of each copy and
 * cache operation are in the flight recording only, where they cost less and make no garbage.
 */
public final class JfrRecorder implements Closeable {
    private static final long MOST_BYTES = 64L << 20;
    private static final Duration PERIOD = Duration.ofMillis(10);
    private static final Duration WRITTEN = Duration.ofSeconds(20);
    /** Too frequent. */
    private static final List<String> ELSEWHERE = List.of("Transfer", "CpuAccess", "CacheOperation", "Copy",
            "Translation", "Request");

    private final Recording recording;

    private JfrRecorder(Recording recording) {
        this.recording = recording;
    }

    /**
     * Starts it.
     *
     * @param file written at the end, also at the end of the JVM
     * @throws IOException it cannot be started, or the file cannot be written
     */
    @SuppressWarnings("resource") // owned by what is returned
    public static JfrRecorder start(Path file) throws IOException {
        try {
            Recording recording = new Recording(Configuration.getConfiguration("default"));
            recording.setName("sluice profile");
            recording.setToDisk(true);
            recording.setMaxSize(MOST_BYTES);
            recording.setDumpOnExit(true);
            recording.setDestination(file);
            recording.enable("jdk.ExecutionSample").withPeriod(PERIOD);
            recording.enable("jdk.NativeMethodSample").withPeriod(PERIOD);
            for (String event : ELSEWHERE) recording.disable("sluice." + event);
            recording.start();
            return new JfrRecorder(recording);
        } catch (ParseException | IllegalStateException e) {
            throw new IOException("JDK Flight Recorder cannot be started: " + e.getMessage(), e);
        }
    }

    /** Writes the file, unless the JVM's own hook does; then this waits for it. */
    @Override
    public void close() throws IOException {
        try {
            recording.stop();
        } catch (IllegalStateException e) {
            if (!FlightRecordings.awaitClosed(List.of(recording), WRITTEN)) // the JVM ends
                throw new IOException("JDK Flight Recorder has not written its recording within %d s"
                        .formatted(WRITTEN.toSeconds()), e);
        }
        recording.close();
    }
}
