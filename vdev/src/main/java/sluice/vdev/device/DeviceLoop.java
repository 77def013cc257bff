package sluice.vdev.device;

import java.util.concurrent.Executor;

/**
 * The one thread on which a device is called. What is handed in runs there, in the order of the calls; it must not wait, and
 * an exception that it throws is logged and ends nothing else. May be used on any thread.
 */
public interface DeviceLoop extends Executor {
    /** The device's name in logs and reports, such as "gpu". */
    String name();

    /**
     * Runs {@code task} once, after {@code nanos} nanoseconds.
     *
     * @return prevents it; without effect when it has run
     */
    Runnable after(long nanos, Runnable task);

    /**
     * Runs {@code task} every {@code nanos} nanoseconds, for the first time after as many.
     *
     * @return ends it
     */
    Runnable every(long nanos, Runnable task);
}
