package sluice.vdev.serve;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;

/**
 * The recordings of JDK Flight Recorder that are written at the end of the JVM, by a shutdown hook of its own. Hooks run at the same
 * time, so one that halts the JVM must wait for it, or a recording stays empty.
 */
final class FlightRecordings {
    private FlightRecordings() {}

    /** Waits, at most {@code limit}, until those that will be written are; returns whether they are. On the thread of a shutdown hook. */
    static boolean awaitWritten(Duration limit) {
        if (!FlightRecorder.isAvailable() || !FlightRecorder.isInitialized()) return true;
        List<Recording> written = FlightRecorder.getFlightRecorder().getRecordings().stream()
                .filter(recording -> recording.getDumpOnExit() && recording.getState() != RecordingState.CLOSED)
                .toList();
        if (written.isEmpty()) return true;
        CountDownLatch changed = new CountDownLatch(1);
        FlightRecorder.addListener(new FlightRecorderListener() {
            @Override
            public void recordingStateChanged(Recording recording) {
                if (areClosed(written)) changed.countDown();
            }
        });
        try {
            return areClosed(written) || changed.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static boolean areClosed(List<Recording> recordings) {
        return recordings.stream().allMatch(recording -> recording.getState() == RecordingState.CLOSED);
    }
}
