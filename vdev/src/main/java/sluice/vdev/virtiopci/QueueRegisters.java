package sluice.vdev.virtiopci;

import sluice.vdev.queue.QueueLayout;

/** The registers of one queue (virtio 1.3 §4.1.4.3). */
final class QueueRegisters {
    /** Maximum queue size. */
    static final int MAX_SIZE = 256;

    int size = MAX_SIZE;
    int vector = VirtioInterrupts.NO_VECTOR;
    long descriptors;
    long driverArea;
    long deviceArea;
    /** Set by the driver; cleared by a reset of the queue or the device. */
    boolean enabled;

    /** @throws IllegalArgumentException if the size is invalid */
    QueueLayout layout() {
        if (size > MAX_SIZE)
            throw new IllegalArgumentException("a size of " + size + ", at most " + MAX_SIZE + " is offered");
        return new QueueLayout(size, descriptors, driverArea, deviceArea);
    }

    void reset() {
        size = MAX_SIZE;
        vector = VirtioInterrupts.NO_VECTOR;
        descriptors = 0;
        driverArea = 0;
        deviceArea = 0;
        enabled = false;
    }
}
