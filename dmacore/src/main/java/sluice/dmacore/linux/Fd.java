package sluice.dmacore.linux;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns one open descriptor of this process, and closes it exactly once.
 *
 * <p>Closing is safe against concurrent closes, not against concurrent use: the closing code ensures that no other
 * thread is between {@link #number()} and its call, because the kernel reuses a freed number for the next open file.
 */
public final class Fd implements AutoCloseable {
    private static final int NONE = -1;
    private static final AtomicInteger OPEN = new AtomicInteger();

    private final AtomicInteger number;
    private volatile Runnable gone = () -> {};

    private Fd(int number) {
        this.number = new AtomicInteger(number);
        OPEN.incrementAndGet();
    }

    /**
     * Takes ownership of a descriptor without another owner.
     *
     * @param number the descriptor, 0 or more
     */
    public static Fd own(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("A descriptor is 0 or more, but this is " + number + ".");
        }
        return new Fd(number);
    }

    /** Number of descriptors owned by live instances in this process; used by leak tests. */
    public static int openCount() {
        return OPEN.get();
    }

    /**
     * The descriptor's number.
     *
     * @throws IllegalStateException it was closed or released
     */
    public int number() {
        int n = number.get();
        if (n == NONE) {
            throw new IllegalStateException("This descriptor was closed or given away.");
        }
        return n;
    }

    /** Whether this object still owns a descriptor. */
    public boolean isOpen() {
        return number.get() != NONE;
    }

    /**
     * A second descriptor, close-on-exec, of the same open file (fcntl(2) F_DUPFD_CLOEXEC): both share offset and
     * status flags.
     *
     * @throws ErrnoException EMFILE: this process has no free descriptor
     */
    public Fd duplicate() throws ErrnoException {
        return own(Fcntl.call(this, Fcntl.F_DUPFD_CLOEXEC, 0));
    }

    /**
     * Sets a callback that runs once, when the descriptor has been closed or released; replaces an earlier one. Called
     * by the owner of an open descriptor, while no other thread can close it.
     */
    public void whenGone(Runnable next) {
        gone = next;
    }

    /**
     * Releases ownership without closing.
     *
     * @return the number, which the caller now owns
     * @throws IllegalStateException it was closed or released
     */
    public int release() {
        int n = number.getAndSet(NONE);
        if (n == NONE) {
            throw new IllegalStateException("This descriptor was closed or given away.");
        }
        OPEN.decrementAndGet();
        gone.run();
        return n;
    }

    /**
     * Closes the descriptor if it is still owned. Errors of close(2) such as EIO or EINTR are not reported: Linux has
     * freed the number by then, and a failed late write cannot be repaired here.
     *
     * @throws AssertionError EBADF: other code closed this number, so a file of this process was closed by mistake
     */
    @Override
    public void close() {
        int n = number.getAndSet(NONE);
        if (n == NONE) {
            return;
        }
        OPEN.decrementAndGet();
        long result = Unistd.CLOSE.call(n);
        gone.run();
        if (result == -Errno.EBADF) {
            throw new AssertionError("Descriptor " + n + " was closed behind its owner's back (close: EBADF): "
                    + "some code closes a number it does not own, and may have closed others' files as well.");
        }
    }

    @Override
    public String toString() {
        int n = number.get();
        return n == NONE ? "fd (closed)" : "fd " + n;
    }
}
