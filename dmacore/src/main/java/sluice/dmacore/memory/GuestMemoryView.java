package sluice.dmacore.memory;

/**
 * The generation of guest memory that one device uses. It changes only on the device's thread between two tasks, so
 * that no memory is unmapped while it is read.
 */
public final class GuestMemoryView {
    private GuestMemory current = GuestMemory.empty();

    public GuestMemory current() {
        return current;
    }

    /** Takes ownership of the caller's reference to {@code next} and releases the previous generation. */
    public void adopt(GuestMemory next) {
        GuestMemory old = current;
        current = next;
        old.release();
    }
}
