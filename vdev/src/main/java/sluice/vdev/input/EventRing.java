package sluice.vdev.input;

/**
 * Events that wait for the device's loop, in order, each in a long: type in the low 16 bits, code in the next, value in
 * the high 32, which is {@code struct virtio_input_event} as a little-endian number. Not thread-safe.
 *
 * <p>It is full before its last place is taken: what was pressed has a {@linkplain #reserve reserved} place for its
 * release.
 */
final class EventRing {
    private final long[] events;
    private int first;
    private int count;
    private int reserved;

    /** @param size number of events, 1 or more */
    EventRing(int size) {
        events = new long[size];
    }

    /**
     * Whether a packet fits, and the releases of all that will be pressed after it.
     *
     * @param more places that the packet reserves, or gives back if it is negative
     */
    boolean fits(int packet, int more) {
        return count + packet + reserved + more <= events.length;
    }

    /** Reserves places, or gives them back if {@code more} is negative. */
    void reserve(int more) {
        reserved += more;
    }

    /** Appends an event; there must be room. */
    void add(int type, int code, int value) {
        if (count == events.length) throw new IllegalStateException("an event without a place");
        events[(first + count++) % events.length] = type | ((long) code << Short.SIZE) | ((long) value << Integer.SIZE);
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** The event that was added first. */
    long first() {
        return events[first];
    }

    /** Removes the event that was added first. */
    void remove() {
        first = (first + 1) % events.length;
        count--;
    }

    /** Removes all events, and gives all reserved places back. */
    void clear() {
        first = 0;
        count = 0;
        reserved = 0;
    }
}
