package sluice.vdev.host;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.queue.Polled;

/** What {@link DeviceQueues} need from a transport. Called on the device's loop. */
public interface QueueTransport {
    /** Translates the addresses in descriptors and commands. Constant between two starts of the device. */
    FrontTranslation memory();

    /** Whether the device may access guest memory now; the transport polls all queues when this becomes true again. */
    default boolean mayRun() {
        return true;
    }

    /** The driver broke a queue; this was logged, and the queue is not polled any more. */
    void broken(int index, Polled.Broken why);

    /** A call of the device has failed; this was logged, and no queue is polled until the device is reset. */
    void deviceFailed();

    /** See {@link sluice.vdev.device.DeviceContext#configChanged}. */
    default void configChanged() {}

    /** See {@link sluice.vdev.device.DeviceContext#window}. */
    SharedWindow window(int id);

    /** See {@link sluice.vdev.device.DeviceContext#bufferReleased}. */
    default void bufferReleased() {}
}
