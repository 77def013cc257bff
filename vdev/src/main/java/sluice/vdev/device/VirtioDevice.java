package sluice.vdev.device;

import java.util.List;

import sluice.iommu.AddressRange;
import sluice.vdev.queue.Virtqueue;

/**
 * A virtio device behind any transport: feature bits, configuration space, queues.
 *
 * <p>{@link #virtioId}, {@link #features}, {@link #queueCount}, {@link #configSize} and {@link #sharedRegions} are
 * constants. They and {@link #readConfig} may be called on any thread, because a front-end must never wait for the
 * device's loop. All other methods are called on the device's loop, and must not block. Calls arrive in this order:
 * {@link #start}, {@link #startQueue} for each queue, {@link #notified} any number of times, {@link #stopQueue} for
 * each queue. Queues may stop and start again without a {@link #reset}, as when a VM is paused; the device then keeps
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
     * Shared memory regions, with unique ids; the sum of their sizes is a power of two. {@link DeviceContext#window}
     * gives access to their memory.
     */
    default List<SharedRegion> sharedRegions() {
        return List.of();
    }

    /** Number of virtqueues. */
    int queueCount();

    /** What a queue is called in traces, such as {@code control}. */
    default String queueName(int index) {
        return "queue " + index;
    }

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

    /** Writes configuration space; writes to read-only fields or beyond its size are ignored. */
    default void writeConfig(int offset, byte[] value) {}

    /**
     * The driver has negotiated {@code features}, all 64 bits, and will now start queues. Also called when queues
     * restart without a {@link #reset}.
     */
    void start(long features, DeviceContext context);

    /** Queue {@code index} starts. It may already contain chains: a {@link #notified} follows. */
    void startQueue(int index, Virtqueue queue);

    /**
     * Queue {@code index} stops. The device completes what it can before this returns; the transport then publishes it
     * and stops the queue. Chains not completed by then are lost to the driver.
     */
    void stopQueue(int index);

    /** Queue {@code index} may have new chains, or a missing translation has arrived. */
    void notified(int index);

    /**
     * A range of bus addresses was unmapped or remapped: the device must release its memory before this returns.
     */
    default void invalidated(AddressRange range) {}

    /** Resets the device to power-on; no queue is running. */
    void reset();

    /** Closes the device, and releases its memory. */
    void close();
}
