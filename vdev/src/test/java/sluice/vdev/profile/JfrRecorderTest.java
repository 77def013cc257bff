package sluice.vdev.profile;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** The end of a recording that somebody else has stopped, as the JVM's own hook does: the file is whole then. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class JfrRecorderTest {
    @TempDir
    private Path folder;

    @Test
    void whatIsStoppedByTheJvmIsAwaited() throws Exception {
        Path file = folder.resolve("profile.jfr");
        JfrRecorder recorder = JfrRecorder.start(file);
        Recording recording = FlightRecorder.getFlightRecorder().getRecordings().stream()
                .filter(one -> file.equals(one.getDestination())).findFirst().orElseThrow();
        Thread other = Thread.ofPlatform().start(recording::stop);
        recorder.close();
        assertThat(RecordingFile.readAllEvents(file)).isNotEmpty();
        other.join();
    }
}
