package sluice.dmacore.buffer;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;

/**
 * A CPU mapping of a buffer, as created by {@code mmap}. Offsets below {@code size} are an always coherent view;
 * offsets from {@code size} to twice {@code size} are the same bytes for programs that manage caches themselves (rows
 * S31, S32; in the kernel {@code DMA_BUF_IOCTL_SYNC} serves the second purpose, with one range of offsets).
 */
public final class BufferView {
    /** Who maintains the caches for a view. */
    public enum Kind {
        /** The core: each access is a transfer. */
        COHERENT,
        /** The program: it accesses only between {@link Opener#begin} and its end. */
        MANAGED
    }

    private final Opener opener;
    private final DmaBuf buffer;
    private final Kind kind;
    private final long offset;
    private final long length;

    private BufferView(Opener opener, Kind kind, long offset, long length) {
        this.opener = opener;
        this.buffer = opener.buffer();
        this.kind = kind;
        this.offset = offset;
        this.length = length;
    }

    /**
     * Maps a part of the buffer.
     *
     * @param offset a multiple of 4096 below twice the buffer's size; the upper half is managed by the program
     * @throws DmaBufException EINVAL (beyond the end of its half, misaligned, empty), EOVERFLOW
     */
    public static BufferView map(Opener opener, long offset, long length) throws DmaBufException {
        DmaBuf buffer = opener.buffer();
        if (length <= 0 || offset < 0 || (offset & (CpuAccess.PAGE - 1)) != 0)
            throw buffer.refused(Errno.EINVAL,
                    "a view of %d bytes at %d: a view has bytes, and begins at a page".formatted(
                            length, offset));
        if (offset > Long.MAX_VALUE - length) throw buffer.refused(Errno.EOVERFLOW, "a view beyond all offsets");
        Kind kind = offset < buffer.size() ? Kind.COHERENT : Kind.MANAGED;
        long start = kind == Kind.COHERENT ? offset : offset - buffer.size();
        if (start > buffer.size() - length) {
            throw buffer.refused(Errno.EINVAL,
                    "a view of %d bytes at %d, and each half has %d".formatted(length, offset,
                            buffer.size()));
        }
        return new BufferView(opener, kind, start, length);
    }

    public Kind kind() {
        return kind;
    }

    /** Bytes of the view. */
    public long length() {
        return length;
    }

    /** Reads bytes of the view. */
    public void read(long position, byte[] target) throws DmaBufException {
        access(position, target, Direction.FROM_DEVICE);
    }

    /** Writes bytes of the view. */
    public void write(long position, byte[] source) throws DmaBufException {
        access(position, source, Direction.TO_DEVICE);
    }

    private void access(long position, byte[] bytes, Direction direction) throws DmaBufException {
        if (position < 0 || position > length - bytes.length) {
            throw new IndexOutOfBoundsException(
                    "%d bytes at %d of a view of %d".formatted(bytes.length, position, length));
        }
        boolean write = direction == Direction.TO_DEVICE;
        long at = offset + position;
        if (kind == Kind.COHERENT) {
            try (CpuAccess access = opener.begin(at, bytes.length, write ? Direction.BIDIRECTIONAL : direction)) {
                move(access, at, bytes, write);
            }
            return;
        }
        if (!opener.covers(at, bytes.length, write)) {
            buffer.core().findings().add(Rule.CPU_ACCESS_OUTSIDE_BRACKET, buffer.subject(), at, bytes.length,
                    "%s %s through a managed view without a begin".formatted(opener.who(), write ? "writes" : "reads"));
        }
        raw(at, bytes, write);
    }

    private static void move(CpuAccess access, long at, byte[] bytes, boolean write) {
        if (write) {
            access.write(at, bytes, 0, bytes.length);
        } else {
            access.read(at, bytes, 0, bytes.length);
        }
    }

    private void raw(long at, byte[] bytes, boolean write) throws DmaBufException {
        synchronized (buffer) {
            BufferMemory memory = buffer.obtain();
            if (write) {
                memory.runs().copyFrom(bytes, 0, at, bytes.length);
            } else {
                memory.runs().copyTo(at, bytes, 0, bytes.length);
            }
        }
    }
}
