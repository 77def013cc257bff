package sluice.vdev.device;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.queue.Polled;

/** What a device may ask of whoever runs it. Used on the device's loop. */
public interface DeviceContext {
    /**
     * Translates the bus addresses that arrive inside commands, such as the pages of a buffer. Runs are good until its
     * generation changes.
     */
    FrontTranslation memory();

    /**
     * For how long, in nanoseconds, a queue that has just run empty is looked at before the driver is asked to notify: it
     * spares a busy driver the time of a wake-up and costs processor time. 0, which is usual, is not at all.
     */
    default long pollNanos() {
        return 0;
    }

    /** The driver has let go of memory that it had named in a command, and will unmap it. */
    default void bufferReleased() {}

    /**
     * The device has changed its configuration space, and {@link VirtioDevice#readConfig} shows it: the driver is told (virtio 1.3
     * §2.5). However often it is called, the driver is told at least once after the last time.
     */
    default void configChanged() {}

    /**
     * A shared memory region of the device. The same object, and the same memory, from one driver to the next; what was shown
     * to one is not shown to another.
     *
     * @throws IllegalArgumentException the device has no such region
     */
    default SharedWindow window(int id) {
        throw new IllegalArgumentException("the device has no shared memory region " + id);
    }

    /** Calls {@link VirtioDevice#notified} for queue {@code index} again, after others have had their turn. */
    void callAgain(int index);

    /** Queue {@code index} cannot go on before an address is filled; {@link VirtioDevice#notified} follows then. */
    void stalled(int index, Polled.Stalled where);

    /** The driver broke queue {@code index}: it is reported, and stays as it is until the device is reset. */
    void broken(int index, Polled.Broken why);
}
