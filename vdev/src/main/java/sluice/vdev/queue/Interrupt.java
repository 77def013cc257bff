package sluice.vdev.queue;

/** Notifies the driver of used buffers. */
@FunctionalInterface
public interface Interrupt {
    void raise();
}
