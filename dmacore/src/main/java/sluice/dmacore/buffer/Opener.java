package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;

/**
 * A user of a buffer on the CPU, like a process with a descriptor. Each access has a begin and an end with the same
 * range and direction; each opener balances its own accesses (rows S24–S26).
 *
 * <p>Directions are the device's, as in the kernel: {@code FROM_DEVICE} is an access that reads, {@code TO_DEVICE} one that
 * writes.
 */
public final class Opener implements AutoCloseable {
    private final DmaBuf buffer;
    private final String who;
    /** With the buffer locked. */
    private final List<CpuAccess> open = new ArrayList<>();
    private boolean closed;

    Opener(DmaBuf buffer, String who) {
        this.buffer = buffer;
        this.who = who;
    }

    public DmaBuf buffer() {
        return buffer;
    }

    String who() {
        return who;
    }

    /** Begins an access to the whole buffer. */
    public CpuAccess begin(Direction direction) throws DmaBufException {
        return begin(0, buffer.size(), direction);
    }

    /**
     * Begins an access: until its end the range is resident and current. All errors are reported here.
     *
     * @throws DmaBufException EBADF (closed), EINVAL (outside of the buffer), EOPNOTSUPP (memory without pages),
     * ENOMEM, ENODEV, EAGAIN, and errors of the exporter, such as EINTR; the access has not begun then
     */
    public CpuAccess begin(long from, long length, Direction direction) throws DmaBufException {
        return buffer.accesses().begin(this, from, length, direction);
    }

    /**
     * Ends the access begun with this range and direction.
     *
     * @throws DmaBufException EINVAL if there is none
     */
    public void end(long from, long length, Direction direction) throws DmaBufException {
        CpuAccess found = null;
        synchronized (buffer) {
            for (CpuAccess access : open) {
                if (access.from() == from && access.length() == length && access.direction() == direction)
                    found = access;
            }
        }
        if (found == null) {
            String what = "%s ends an access that it has not begun".formatted(who);
            buffer.core().findings().add(Rule.UNBALANCED_CPU_ACCESS, buffer.subject(), from, length, what);
            throw buffer.refused(Errno.EINVAL, what + " with this range and direction: " + direction);
        }
        found.end();
    }

    /** With the buffer locked. */
    boolean isClosed() {
        return closed;
    }

    /** With the buffer locked. */
    List<CpuAccess> accesses() {
        return open;
    }

    /** Whether an open access covers a range, for reading or writing. */
    boolean covers(long from, long length, boolean write) {
        synchronized (buffer) {
            for (CpuAccess access : open) {
                if (access.covers(from, length, write)) return true;
            }
            return false;
        }
    }

    /** Ends open accesses, each a finding, and drops the reference to the buffer. A second call has no effect. */
    @Override
    public void close() throws DmaBufException {
        synchronized (buffer) {
            if (closed) return;
            closed = true;
            try {
                endAll();
            } finally {
                buffer.closed();
            }
        }
    }

    private void endAll() throws DmaBufException {
        DmaBufException failure = null;
        for (CpuAccess access : List.copyOf(open)) {
            buffer.core().findings().add(Rule.UNBALANCED_CPU_ACCESS, buffer.subject(), access.from(), access.length(),
                    who + " closes the buffer in the middle of an access");
            try {
                access.end();
            } catch (DmaBufException e) {
                // This one has ended; the others still must.
                if (failure == null) failure = e;
            }
        }
        if (failure != null) throw failure;
    }
}
