package sluice.vdev.device;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.queue.Polled;

/** The services of the host for a running device. Used on the device's loop. */
public interface DeviceContext {
    /**
     * Translates bus addresses in commands, such as the pages of a buffer. Runs are valid until its generation changes.
     */
    FrontTranslation memory();

    /**
     * Nanoseconds for which an empty queue is polled before notifications are enabled: reduces latency for a busy
     * driver, and costs CPU time. 0, the default, disables polling.
     */
    default long pollNanos() {
        return 0;
    }

    /** The driver has released memory named in an earlier command, and will unmap it. */
    default void bufferReleased() {}

    /**
     * The device has changed its configuration space, as returned by {@link VirtioDevice#readConfig}: notifies the
     * driver (virtio 1.3 §2.5). Several calls may be merged; the driver is notified at least once after the last.
     */
    default void configChanged() {}

    /**
     * A shared memory region of the device. The object and the memory stay the same from one driver to the next; parts
     * mapped for one driver are not mapped for the next.
     *
     * @throws IllegalArgumentException the device has no such region
     */
    default SharedWindow window(int id) {
        throw new IllegalArgumentException("the device has no shared memory region " + id);
    }

    /** Calls {@link VirtioDevice#notified} for queue {@code index} again, after other work of the loop. */
    void callAgain(int index);

    /** Queue {@code index} lacks a translation; {@link VirtioDevice#notified} is called when it has arrived. */
    void stalled(int index, Polled.Stalled where);

    /** The driver broke queue {@code index}: reports it; the queue stays stopped until the device is reset. */
    void broken(int index, Polled.Broken why);
}
