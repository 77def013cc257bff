package sluice.vdev.queue;

import java.util.ArrayDeque;

import org.jspecify.annotations.Nullable;

/**
 * The chain objects of one queue: those with the device or on their way back, and some that wait for their next use. How many
 * there are follows what is under way and not the size of the ring, which the front-end chooses.
 */
final class ChainPool {
    /** Pieces of memory in all chains that are out, 20 bytes each: 256 chains of as many buffers as one may have. */
    static final long MOST_PIECES = 1 << 18;
    /** What is kept for later: chains, and room for pieces in all of them. */
    static final int MOST_SPARE = 1024;
    static final long MOST_SPARE_PIECES = 1 << 16;

    private final Chain.Owner owner;
    private final ArrayDeque<Chain> spare = new ArrayDeque<>();
    private long spareRoom;
    private long pieces;

    ChainPool(Chain.Owner owner) {
        this.owner = owner;
    }

    /** A chain to be filled. */
    Chain take() {
        Chain chain = spare.poll();
        if (chain == null) return new Chain(owner);
        spareRoom -= chain.room();
        return chain;
    }

    /**
     * A chain that was filled is about to go to the device.
     *
     * @return null if it may
     */
    Polled.@Nullable Broken out(Chain chain) {
        pieces += chain.pieces();
        if (pieces <= MOST_PIECES) return null;
        return new Polled.Broken("the driver has buffers of more than %d pieces with the device, which is the limit"
                .formatted(MOST_PIECES));
    }

    /** A chain that was {@link #out} is the driver's again. */
    void back(Chain chain) {
        pieces -= chain.pieces();
        keep(chain);
    }

    /** Takes a chain that never went out. */
    void keep(Chain chain) {
        if (spare.size() == MOST_SPARE || spareRoom + chain.room() > MOST_SPARE_PIECES) return;
        spareRoom += chain.room();
        spare.add(chain);
    }
}
