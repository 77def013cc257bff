package sluice.dmacore.ownership;

import java.util.Arrays;

/**
 * The holders of a stretch of lines. Each has a bit in masks; adding or removing one shifts the bits of those with
 * higher numbers. Immutable, so that stretches with the same holders share one.
 */
final class Holders {
    /** Holders of one line: a bit each. */
    static final int MOST = Long.SIZE;

    static final Holders NONE = new Holders(new Holder[0]);

    /** Ordered by number, so that stretches with the same holders are equal. */
    private final Holder[] all;
    private final long coherent;
    private final boolean apart;

    private Holders(Holder[] all) {
        this.all = all;
        long snoop = 0;
        boolean copies = false;
        for (int i = 0; i < all.length; i++) {
            if (all[i].coherent()) snoop |= 1L << i;
            copies |= all[i].copy() != null;
        }
        coherent = snoop;
        apart = copies || Long.bitCount(snoop) < all.length;
    }

    /** The bit of a holder, or 0 if it is absent. */
    long bit(Holder holder) {
        for (int i = 0; i < all.length; i++) {
            if (holder.equals(all[i])) return 1L << i;
        }
        return 0;
    }

    /** The bits of snooping holders. */
    long coherent() {
        return coherent;
    }

    /** Whether one of them is non-snooping, or has a bounce buffer. */
    boolean areApart() {
        return apart;
    }

    /** The first of those with these bits. */
    Holder first(long bits) {
        return all[Long.numberOfTrailingZeros(bits)];
    }

    boolean isFull() {
        return all.length == MOST;
    }

    /** Adds an absent holder; must not be full. */
    Holders with(Holder holder) {
        int at = 0;
        while (at < all.length && all[at].number() < holder.number())
            at++;
        Holder[] more = Arrays.copyOf(all, all.length + 1);
        System.arraycopy(all, at, more, at + 1, all.length - at);
        more[at] = holder;
        return new Holders(more);
    }

    /** Removes the holder of a bit. */
    Holders without(long bit) {
        if (all.length == 1) return NONE;
        int at = Long.numberOfTrailingZeros(bit);
        Holder[] fewer = Arrays.copyOf(all, all.length - 1);
        System.arraycopy(all, at + 1, fewer, at, fewer.length - at);
        return new Holders(fewer);
    }

    /** Inserts a cleared bit into a mask, for a new holder. */
    static long widened(long mask, long bit) {
        return (mask & (bit - 1)) | (mask & -bit) << 1;
    }

    /** Removes a bit from a mask, of a removed holder. */
    static long narrowed(long mask, long bit) {
        return (mask & (bit - 1)) | (mask >>> 1 & -bit);
    }

    @Override
    public boolean equals(Object other) {
        return this == other || (other instanceof Holders holders && Arrays.equals(all, holders.all));
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(all);
    }
}
