package sluice.vdev.vhostuser;

/** Parameters of one ring, collected from the front-end until the ring starts. Used on the control loop. */
final class VringState {
    /** Where a packed ring begins: both wrap counters are 1 (virtio 1.3 §2.8.1). */
    private static final int PACKED_START = 0x8000_8000;

    int size;
    /** Start position, or the position where it stopped, if {@link #placed}; else 0. */
    private int position;
    private boolean placed;
    long descriptors;
    long available;
    long used;
    boolean started;
    /** Whether it has run, so that its position is where it stopped. */
    boolean stopped;

    /**
     * The position to start at: the initial one, unless SET_VRING_BASE has set another.
     *
     * @param packed whether the ring is packed
     */
    int position(boolean packed) {
        return placed || !packed ? position : PACKED_START;
    }

    void setPosition(int next) {
        position = next;
        placed = true;
    }

    /** The device was reset: the ring is stopped and starts at its initial position. */
    void reset() {
        position = 0;
        placed = false;
        started = false;
        stopped = false;
    }
}
