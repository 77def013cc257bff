package sluice.vdev.device;

import java.util.List;

import sluice.iommu.AddressRange;
import sluice.vdev.queue.Virtqueue;

/**
 * A virtio device behind any transport: feature bits, configuration space, queues.
 *
 * <p>{@link #virtioId}, {@link #features}, {@link #queueCount}, {@link #configSize} and {@link #sharedRegions} are constants. They and
 * {@link #readConfig} may be asked on any thread: a front-end that waits for an answer must never wait for the device's
 * loop. Everything else is called on the device's loop, one call at a time, and must not wait. The order of a life
 * is {@link #start}, {@link #startQueue} per queue, {@link #notified} any number of times, {@link #stopQueue} per queue;
 * queues may stop and start again without a {@link #reset}, as they do when a VM is paused, and then the device keeps
 * its state.
 */
public interface VirtioDevice {
    /** Device id (virtio 1.3 §5): 16 is a GPU. */
    int virtioId();

    /** Device-specific feature bits (0–23, 50–63) the device offers; none by default. */
    default long features() {
        return 0;
    }

    /**
     * Shared memory regions, at most one of an id, all together a power of two of bytes. Their memory is to be had by {@link
     * DeviceContext#window}.
     */
    default List<SharedRegion> sharedRegions() {
        return List.of();
    }

    /** Number of virtqueues. */
    int queueCount();

    /**
     * Size of the configuration space in bytes, as of the newest version of the device's specification; 0 by
     * default.
     */
    default int configSize() {
        return 0;
    }

    /**
     * Reads configuration space, on any thread. Bytes beyond {@link #configSize} are 0.
     *
     * @param target receives {@code target.length} bytes
     */
    default void readConfig(int offset, byte[] target) {}

    /** Writes configuration space; what is read-only or beyond its size is ignored. */
    default void writeConfig(int offset, byte[] value) {}

    /**
     * The driver has negotiated {@code features}, all 64 bits of them, and will now start queues. Follows every stop,
     * also those that are not followed by a {@link #reset}.
     */
    void start(long features, DeviceContext context);

    /** Queue {@code index} runs from now on. It may already hold chains: a {@link #notified} follows. */
    void startQueue(int index, Virtqueue queue);

    /**
     * Queue {@code index} ends. What can be completed is completed before this returns; the transport publishes it and
     * then stops the queue. Chains still open afterwards are lost to the driver.
     */
    void stopQueue(int index);

    /** Queue {@code index} may have new chains, or what it stalled on was filled. */
    void notified(int index);

    /**
     * A range of bus addresses leads nowhere, or elsewhere, from now on: what the device keeps of its memory is let go of
     * before this returns.
     */
    default void invalidated(AddressRange range) {}

    /** Back to the state after power-on; no queue runs. */
    void reset();

    /** The device is no longer used; its memory is given back. */
    void close();
}
