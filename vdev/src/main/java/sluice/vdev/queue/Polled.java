package sluice.vdev.queue;

import sluice.iommu.Access;

/** The result of polling a virtqueue. */
public sealed interface Polled permits Polled.Empty, Chain, Polled.Stalled, Polled.Broken {
    /** No available chain. */
    enum Empty implements Polled {
        EMPTY
    }

    /**
     * A translation is missing; nothing was consumed. Poll again when it has arrived.
     *
     * @param address the bus address
     * @param access the intended access
     */
    record Stalled(long address, Access access) implements Polled {}

    /**
     * The driver broke a rule of the ring. The queue returns this until it is restarted; chains taken before are still
     * returned to the driver, and no other memory is accessed.
     *
     * @param reason one sentence with the rule and the values
     * @param unmapped whether the IOMMU has unmapped the ring, which is normal when a driver is unloaded without a
     * reset
     */
    record Broken(String reason, boolean unmapped) implements Polled {
        public Broken(String reason) {
            this(reason, false);
        }
    }
}
