package sluice.vdev.device;

/**
 * Threads for long work, such as decoding or drawing a frame: a fixed number for the whole process, shared fairly
 * between devices. Used on the device's loop.
 */
public interface Workers {
    /** Limit of pending and running jobs of one device. */
    int LIMIT = 64;

    /**
     * Runs {@code work} on a worker thread, and then {@code done} on the device's loop, even if the work throws, which
     * is logged.
     *
     * @return false if {@link #LIMIT} jobs of the device are pending: the job was not accepted
     */
    boolean submit(String what, Runnable work, Runnable done);
}
