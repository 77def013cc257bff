package sluice.vdev.vhostuser;

/** What the front-end has said of one ring, until it starts. Used on the control loop. */
final class VringState {
    /** Where a packed ring begins: both wrap counters are 1 (virtio 1.3 §2.8.1). */
    private static final int PACKED_START = 0x8000_8000;

    int size;
    /** Where it begins or has stopped, if {@link #placed}; else 0. */
    private int position;
    private boolean placed;
    long descriptors;
    long available;
    long used;
    boolean started;
    /** It has run, and its position is where it stopped. */
    boolean stopped;

    /**
     * Where it goes on: at the beginning, unless something else was said.
     *
     * @param packed what kind of ring it is
     */
    int position(boolean packed) {
        return placed || !packed ? position : PACKED_START;
    }

    void setPosition(int next) {
        position = next;
        placed = true;
    }

    /** The device was reset: the ring does not run, and begins anew. */
    void reset() {
        position = 0;
        placed = false;
        started = false;
        stopped = false;
    }
}
