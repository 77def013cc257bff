package sluice.vdev.queue;

import sluice.iommu.Access;

/** What a look into a virtqueue found. */
public sealed interface Polled permits Polled.Empty, Chain, Polled.Stalled, Polled.Broken {
    /** The driver has nothing for us. */
    enum Empty implements Polled {
        EMPTY
    }

    /**
     * An address is not known yet; nothing was consumed, poll again once it was filled.
     *
     * @param address the bus address
     * @param access what it is wanted for
     */
    record Stalled(long address, Access access) implements Polled {}

    /**
     * The driver broke a rule of the ring. The queue answers this until it is started anew, and gives back what was taken off it
     * before; it touches no other memory.
     *
     * @param reason one sentence: the rule and the numbers
     * @param unmapped whether an IOMMU has taken the ring away, as happens to a driver that ends without a word: nobody is to
     *            blame
     */
    record Broken(String reason, boolean unmapped) implements Polled {
        public Broken(String reason) {
            this(reason, false);
        }
    }
}
