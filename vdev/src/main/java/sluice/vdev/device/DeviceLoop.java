package sluice.vdev.device;

import java.util.concurrent.Executor;

/**
 * The single thread on which a device is called. Tasks run there in the order of submission; they must not block, and
 * an exception of a task is logged and affects no other task. Thread-safe.
 */
public interface DeviceLoop extends Executor {
    /** The device's name in logs and reports, such as "gpu". */
    String name();

    /**
     * Runs {@code task} once, after {@code nanos} nanoseconds.
     *
     * @return cancels it; no effect if it has run
     */
    Runnable after(long nanos, Runnable task);

    /**
     * Runs {@code task} every {@code nanos} nanoseconds, first after that time.
     *
     * @return cancels it
     */
    Runnable every(long nanos, Runnable task);
}
