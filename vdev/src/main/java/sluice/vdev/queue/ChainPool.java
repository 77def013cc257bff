package sluice.vdev.queue;

import java.util.ArrayDeque;

import org.jspecify.annotations.Nullable;

/**
 * The chain objects of one queue: those in use, and some kept for reuse. Their number depends on the chains in flight,
 * not on the ring size, which the front-end chooses.
 */
final class ChainPool {
    /** Limit of runs in all chains in flight, 20 bytes each: 256 chains with the most buffers each. */
    static final long MOST_PIECES = 1 << 18;
    /** Limits of what is kept for reuse: chains, and capacity for runs in all of them. */
    static final int MOST_SPARE = 1024;
    static final long MOST_SPARE_PIECES = 1 << 16;

    private final Chain.Owner owner;
    private final ArrayDeque<Chain> spare = new ArrayDeque<>();
    private long spareRoom;
    private long pieces;

    ChainPool(Chain.Owner owner) {
        this.owner = owner;
    }

    /** Returns a chain object to fill. */
    Chain take() {
        Chain chain = spare.poll();
        if (chain == null) return new Chain(owner);
        spareRoom -= chain.room();
        return chain;
    }

    /**
     * Accounts for a filled chain that the device is about to receive.
     *
     * @return null if it may
     */
    Polled.@Nullable Broken out(Chain chain) {
        pieces += chain.pieces();
        if (pieces <= MOST_PIECES) return null;
        return new Polled.Broken("the driver has buffers of more than %d pieces with the device, which is the limit"
                .formatted(MOST_PIECES));
    }

    /** Takes back a chain that was {@link #out}; the driver owns its buffers again. */
    void back(Chain chain) {
        pieces -= chain.pieces();
        keep(chain);
    }

    /** Takes back a chain that the device did not receive. */
    void keep(Chain chain) {
        if (spare.size() == MOST_SPARE || spareRoom + chain.room() > MOST_SPARE_PIECES) return;
        spareRoom += chain.room();
        spare.add(chain);
    }
}
