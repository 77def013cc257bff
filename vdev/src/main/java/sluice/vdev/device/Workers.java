package sluice.vdev.device;

/**
 * Threads for what takes long, such as decoding or drawing a frame. They are a fixed number for the whole process, and each
 * device gets its turn: one with many jobs does not hold up another's. Used on the device's loop.
 */
public interface Workers {
    /** Jobs of one device that may wait or run. */
    int LIMIT = 64;

    /**
     * Has {@code work} done on a worker's thread, and then {@code done} run on the device's loop, also if the work throws, which
     * is logged.
     *
     * @return false if {@link #LIMIT} jobs of the device are not done yet: nothing was taken
     */
    boolean submit(String what, Runnable work, Runnable done);
}
