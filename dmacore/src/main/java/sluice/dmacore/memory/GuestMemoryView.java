package sluice.dmacore.memory;

/**
 * The generation of guest memory that one device works with. It changes only on the device's own thread, between two
 * pieces of work, so that nothing is taken away under a reader.
 */
public final class GuestMemoryView {
    private GuestMemory current = GuestMemory.empty();

    public GuestMemory current() {
        return current;
    }

    /** Takes over the caller's reference to {@code next} and lets go of the generation used so far. */
    public void adopt(GuestMemory next) {
        GuestMemory old = current;
        current = next;
        old.release();
    }
}
