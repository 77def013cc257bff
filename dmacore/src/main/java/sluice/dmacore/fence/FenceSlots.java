package sluice.dmacore.fence;

/** Reserved slots for fences of one buffer. Closing releases unused slots. */
public final class FenceSlots implements AutoCloseable {
    private final Reservation reservation;
    private int left;

    FenceSlots(Reservation reservation, int count) {
        this.reservation = reservation;
        left = count;
    }

    /** Number of unused slots. */
    public synchronized int left() {
        return left;
    }

    /**
     * Adds a fence and uses a slot. A signalled fence is not kept. A fence present in a stronger class stays there,
     * which is reported; in a weaker class it is promoted.
     *
     * @throws IllegalArgumentException if it is a container: add its members
     * @throws IllegalStateException if there is no slot left; also reported
     */
    public void add(Fence fence, Usage usage) {
        if (fence.isContainer())
            throw new IllegalArgumentException(
                    "fence %s consists of %d others and cannot be added to %s: add those".formatted(fence,
                            fence.members().size(), reservation));
        if (!take()) {
            FenceFinding finding = new FenceFinding.NoSlot(reservation.buffer(), fence, usage);
            reservation.domain().found(finding);
            throw new IllegalStateException(finding.sentence());
        }
        reservation.place(fence, usage);
    }

    private synchronized boolean take() {
        if (left == 0) return false;
        left--;
        return true;
    }

    @Override
    public void close() {
        int unused;
        synchronized (this) {
            unused = left;
            left = 0;
        }
        reservation.giveBack(unused);
    }
}
