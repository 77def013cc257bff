package sluice.vdev.queue;

/** How a queue tells its driver that used buffers wait. */
@FunctionalInterface
public interface Interrupt {
    void raise();
}
