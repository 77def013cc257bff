package sluice.vdev.profile;

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
 * time, so one that halts the JVM, or reads such a file, must wait for it.
 */
public final class FlightRecordings {
    private FlightRecordings() {}

    /** Waits, at most {@code limit}, until those that will be written are; returns whether they are. On the thread of a shutdown hook. */
    public static boolean awaitWritten(Duration limit) {
        if (!FlightRecorder.isAvailable() || !FlightRecorder.isInitialized()) return true;
        return awaitClosed(FlightRecorder.getFlightRecorder().getRecordings().stream()
                .filter(Recording::getDumpOnExit).toList(), limit);
    }

    /** Waits, at most {@code limit}, until recordings are closed, which is after they are written; returns whether they are. */
    static boolean awaitClosed(List<Recording> recordings, Duration limit) {
        CountDownLatch closed = new CountDownLatch(1);
        FlightRecorderListener listener = new FlightRecorderListener() {
            @Override
            public void recordingStateChanged(Recording recording) {
                if (areClosed(recordings)) closed.countDown();
            }
        };
        FlightRecorder.addListener(listener);
        try {
            return areClosed(recordings) || closed.await(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            FlightRecorder.removeListener(listener);
        }
    }

    private static boolean areClosed(List<Recording> recordings) {
        return recordings.stream().allMatch(recording -> recording.getState() == RecordingState.CLOSED);
    }
}
