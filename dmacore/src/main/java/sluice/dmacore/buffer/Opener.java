package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;

/**
 * Somebody on the CPU who works with a buffer, as a process does with a descriptor. Each access has a beginning and an end,
 * with the same range and direction, and each opener's are balanced by themselves (rows S24–S26).
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
     * Begins an access: the range is in memory, and current, until it ends. Everything that can fail fails here.
     *
     * @throws DmaBufException EBADF (closed), EINVAL (outside of the buffer), EOPNOTSUPP (memory without pages), ENOMEM, ENODEV, EAGAIN, and what
     *         the exporter throws, such as EINTR: nothing has begun then
     */
    public CpuAccess begin(long from, long length, Direction direction) throws DmaBufException {
        return buffer.accesses().begin(this, from, length, direction);
    }

    /**
     * Ends the access that was begun with this range and direction.
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

    /** Whether an access of this opener covers a range, to be read or to be written. */
    boolean covers(long from, long length, boolean write) {
        synchronized (buffer) {
            for (CpuAccess access : open) {
                if (access.covers(from, length, write)) return true;
            }
            return false;
        }
    }

    /** Ends what is still open, which is a finding, and lets go of the buffer. Does nothing the second time. */
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
                // It has ended, and so do the others.
                if (failure == null) failure = e;
            }
        }
        if (failure != null) throw failure;
    }
}
