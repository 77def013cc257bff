package sluice.guest.demo;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Prints progress: a line for each step, and one at least every two seconds. Thread-safe. */
final class Progress implements AutoCloseable {
    private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(1900);
    private static final double NANOS_PER_SECOND = 1e9;

    private final PrintWriter out;
    private final long start = System.nanoTime();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Map<String, Long> steps = new LinkedHashMap<>();
    private long lastLine = start;
    private long stepStart = start;
    private String step = "";

    Progress(PrintWriter out) {
        this.out = out;
        Thread.ofPlatform().daemon().name("progress").start(this::reassure);
    }

    /** Begins a step, and ends the previous one. */
    synchronized void step(String what) {
        endStep();
        step = what;
        stepStart = System.nanoTime();
        print(what);
    }

    /** Prints a note on the current step. */
    synchronized void note(String what) {
        print("  " + what);
    }

    /** The duration of each step in nanoseconds, in order. */
    synchronized Map<String, Long> steps() {
        endStep();
        step = "";
        return new LinkedHashMap<>(steps);
    }

    /** Nanoseconds since the beginning. */
    long elapsed() {
        return System.nanoTime() - start;
    }

    private void endStep() {
        if (!step.isEmpty()) steps.put(step, System.nanoTime() - stepStart);
    }

    private void print(String line) {
        lastLine = System.nanoTime();
        out.printf("[%5.1f s] %s%n", (lastLine - start) / NANOS_PER_SECOND, line);
        out.flush();
    }

    private void reassure() {
        try {
            while (!closed.await(nextLineNanos(), TimeUnit.NANOSECONDS)) {
                reassureIfQuiet();
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized long nextLineNanos() {
        return Math.max(1, lastLine + QUIET_NANOS - System.nanoTime());
    }

    private synchronized void reassureIfQuiet() {
        if (!step.isEmpty() && closed.getCount() > 0 && nextLineNanos() == 1) print("  ... still " + step);
        else lastLine = Math.max(lastLine, System.nanoTime() - QUIET_NANOS / 2);
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
