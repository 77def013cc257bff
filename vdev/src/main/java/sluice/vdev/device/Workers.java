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

    /** The most threads of a process that may be lost at once. */
    int MOST_LOST = 4;

    /**
     * A worker does not come back from its job, although it was interrupted: native code heeds no interrupt. Another thread takes its
     * place, until the job ends.
     *
     * @param lost a worker that has a job of this device
     * @return false if there is none in its place, because {@link #MOST_LOST} are lost
     */
    default boolean replace(Thread lost) {
        return false;
    }
}
