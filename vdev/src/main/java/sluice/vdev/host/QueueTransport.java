package sluice.vdev.host;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.queue.Polled;

/** What {@link DeviceQueues} ask of the transport that a device is behind. Called on the device's loop. */
public interface QueueTransport {
    /** Translates the addresses in descriptors and commands. The same from a start of the device to the next. */
    FrontTranslation memory();

    /** Whether the device may look at guest memory now; whoever lets it again has all queues looked at. */
    default boolean mayRun() {
        return true;
    }

    /** The driver broke a queue; it was logged, and nobody looks at the queue any more. */
    void broken(int index, Polled.Broken why);

    /** A call of the device has failed; it was logged, and no queue is looked at until the device was reset. */
    void deviceFailed();

    /** See {@link sluice.vdev.device.DeviceContext#configChanged}. */
    default void configChanged() {}

    /** See {@link sluice.vdev.device.DeviceContext#window}. */
    SharedWindow window(int id);

    /** See {@link sluice.vdev.device.DeviceContext#bufferReleased}. */
    default void bufferReleased() {}
}
