package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/** How long a worker has been at a job, for the watchdog. */
final class JobClock {
    private @Nullable Thread thread;
    private long startedNanos;

    /** On the worker. */
    synchronized void start() {
        thread = Thread.currentThread();
        startedNanos = System.nanoTime();
    }

    /** On the worker; true if the job was interrupted. The watchdog may have been late: the next job must not notice. */
    synchronized boolean stop() {
        thread = null;
        return Thread.interrupted();
    }

    /** On the loop: the thread of a job that takes longer than {@code most} nanoseconds, or null. */
    synchronized @Nullable Thread longerThan(long most) {
        Thread present = thread;
        return present == null || System.nanoTime() - startedNanos < most ? null : present;
    }

    /** On the loop. */
    synchronized boolean interruptIfLonger(long most) {
        Thread present = thread;
        if (present == null || System.nanoTime() - startedNanos < most) return false;
        present.interrupt();
        return true;
    }
}
