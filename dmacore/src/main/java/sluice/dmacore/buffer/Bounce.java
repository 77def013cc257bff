package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.memory.Scratch;
import sluice.dmacore.ownership.DeviceCopy;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.trace.EventKind;

/**
 * A contiguous bounce buffer that a device uses instead of a buffer's memory, with the copies in both directions, as
 * {@code kernel/dma/swiotlb.c} does. Only used where allowed explicitly.
 *
 * <p>A twin keeps the content that each byte of the buffer had when it was last copied or written by the device. A byte
 * of the buffer that differs from its twin was written since, which determines where the newest value of each byte is.
 */
final class Bounce implements DeviceCopy {
    private static final int LINE = 64;

    private final DmaBuf buffer;
    private final FileMapping file;
    private final Runs runs = new Runs(1);
    /** The buffer's memory, and the twin's offset in the file. */
    private final Runs memory;
    private final long twin;
    /** Bytes written by the device and not copied back. */
    private final WrittenRanges written;
    /** Those of them that a sync has given to the CPU in the direction that copies nothing. */
    private final WrittenRanges unfetched;

    private Bounce(DmaBuf buffer, Runs memory, FileMapping file) {
        this.buffer = buffer;
        this.file = file;
        this.memory = memory.copy();
        twin = pages(buffer.size());
        written = new WrittenRanges(buffer.size());
        unfetched = new WrittenRanges(buffer.size());
        runs.add(file, 0, buffer.size());
    }

    private static long pages(long bytes) {
        return (bytes + 4095) & -4096;
    }

    static Bounce open(DmaBuf buffer, Runs memory, DeviceFunction function) throws DmaBufException {
        DmaCore core = buffer.core();
        if (!core.takeBounce(buffer.size())) {
            throw buffer.refused(Errno.EIO,
                    "bounce memory is full: %d bytes are wanted for %s, and %d are the limit of all"
                            .formatted(buffer.size(), function.name(), core.options().bounceBytes()));
        }
        boolean done = false;
        try {
            Scratch scratch = core.options().files().scratch("sluice-bounce", 2 * pages(buffer.size()));
            Bounce bounce = new Bounce(buffer, memory, scratch.keepMapping());
            done = true;
            return bounce;
        } catch (IOException e) {
            throw new DmaBufException(Errno.ENOMEM,
                    "%s: no bounce memory: %s".formatted(buffer.name(), e.getMessage()));
        } finally {
            if (!done) core.giveBounce(buffer.size());
        }
    }

    Runs runs() {
        return runs;
    }

    // ---- copies

    /** A range of bytes; length 0 if empty. */
    record Lost(long from, long length) {
        static final Lost NOTHING = new Lost(0, 0);

        boolean isNothing() {
            return length == 0;
        }
    }

    /**
     * Copies from the buffer; also for a device that only writes, so that bytes that it does not write are preserved.
     *
     * @return bytes written by the device that were never copied back, and are overwritten by this
     */
    synchronized Lost toDevice(long from, long length) {
        Lost lost = written.isEmpty() ? Lost.NOTHING : differing(from, length, true);
        copied(from, length);
        memory.copyTo(from, file.segment(), from, length);
        settle(from, length);
        return lost;
    }

    /**
     * Copies back to the buffer, including bytes that the device did not write.
     *
     * @return bytes written by the CPU in the buffer in the meantime, and overwritten by this
     */
    synchronized Lost toCpu(long from, long length) {
        Lost lost = differing(from, length, false);
        copied(from, length);
        memory.copyFrom(file.segment(), from, from, length);
        settle(from, length);
        return lost;
    }

    /** A range goes to the CPU without a copy: the CPU does not see what the device wrote. */
    synchronized void leave(long from, long length) {
        for (long at = written.next(from); at < from + length;) {
            long gap = written.firstGap(at, from + length - at);
            long end = gap < 0 ? from + length : gap;
            unfetched.add(at, end - at);
            at = written.next(end);
        }
    }

    /**
     * A range goes to the device without a copy.
     *
     * @return bytes that were {@linkplain #leave left} and that nobody has written since
     */
    synchronized Lost giveUnfetched(long from, long length) {
        long first = unfetched.next(from);
        if (first >= from + length) return Lost.NOTHING;
        Lost newer = differing(first, from + length - first, true);
        long start = -1;
        long end = -1;
        for (long at = newer.from(); at < newer.from() + newer.length(); at++) {
            if (unfetched.firstGap(at, 1) >= 0 || !isNewer(at, true)) continue;
            if (start < 0) start = at;
            end = at + 1;
        }
        unfetched.clear(from, length);
        return start < 0 ? Lost.NOTHING : new Lost(start, end - start);
    }

    /** Receives ranges of bytes. */
    @FunctionalInterface
    interface Ranges {
        void take(long from, long length);
    }

    /** Reports the bytes of a range that are newer in the copy, or in the buffer. */
    void forEachNewer(long from, long length, boolean inCopy, Ranges ranges) {
        Lost all = differingNow(from, length, inCopy);
        long end = all.from() + all.length();
        for (long at = all.from(); at < end;) {
            long until = at;
            while (until < end && isNewerNow(until, inCopy))
                until++;
            if (until > at) ranges.take(at, until - at);
            at = until + 1;
        }
    }

    /** The bytes of a range that are newer in the copy. */
    Lost newer(long from, long length) {
        return differingNow(from, length, true);
    }

    private synchronized Lost differingNow(long from, long length, boolean inCopy) {
        return differing(from, length, inCopy);
    }

    private synchronized boolean isNewerNow(long position, boolean inCopy) {
        return isNewer(position, inCopy);
    }

    private void copied(long from, long length) {
        buffer.core().noteBounced(length);
        buffer.core().trace().record(EventKind.BOUNCE, buffer.number(), 0, 0, from, length, length);
    }

    /** Marks both as equal. */
    private void settle(long from, long length) {
        MemorySegment.copy(file.segment(), from, file.segment(), twin + from, length);
        written.clear(from, length);
        unfetched.clear(from, length);
    }

    // ---- where the newest bytes are

    /** The span of the bytes of a range that are newer in the copy, or in the buffer. */
    private Lost differing(long from, long length, boolean inCopy) {
        long first = -1;
        long last = -1;
        long at = from;
        while (at < from + length) {
            int run = memory.runAt(at);
            long piece = Math.min(from + length, memory.start(run) + memory.length(run)) - at;
            long offset = memory.offset(run) + at - memory.start(run);
            long equal = MemorySegment.mismatch(memory.mapping(run).segment(), offset, offset + piece, file.segment(),
                    at, at + piece);
            if (equal < 0) {
                at += piece;
                continue;
            }
            at += equal;
            if (isNewer(at, inCopy)) {
                if (first < 0) first = at;
                last = at;
            }
            at++;
        }
        return first < 0 ? Lost.NOTHING : new Lost(first, last + 1 - first);
    }

    /** Whether a byte's newest value is in the copy, or in the buffer. */
    private boolean isNewer(long position, boolean inCopy) {
        byte held = inBuffer(position);
        if (held == file.segment().get(ValueLayout.JAVA_BYTE, position)) return false;
        return (written.firstGap(position, 1) < 0 && isAsTwin(position)) == inCopy;
    }

    private boolean isAsTwin(long position) {
        return inBuffer(position) == file.segment().get(ValueLayout.JAVA_BYTE, twin + position);
    }

    private byte inBuffer(long position) {
        int run = memory.runAt(position);
        return memory.mapping(run).segment().get(ValueLayout.JAVA_BYTE,
                memory.offset(run) + position - memory.start(run));
    }

    // ---- who reads and writes

    @Override
    public synchronized void deviceAccess(boolean write, Harm harm) {
        long from = harm.from();
        long length = harm.to() - from;
        if (write) {
            memory.copyTo(from, file.segment(), twin + from, length);
            written.add(from, length);
            unfetched.clear(from, length);
            return;
        }
        Lost old = differing(from, length, false);
        for (long at = old.from(); at < old.from() + old.length(); at++) {
            if (isNewer(at, false)) harm.addByte(at);
        }
    }

    @Override
    public synchronized void bufferAccess(FileMapping touched, long offset, long bytes, int firstLine, boolean write,
            Harm harm) {
        forEachWritten(touched, offset, bytes, (position, at) -> {
            int line = firstLine + (int) ((at - offset) / LINE);
            long bit = 1L << (at % LINE);
            if ((harm.inRange(line) & bit) == 0) return;
            if (write) {
                written.clear(position, 1);
            } else if (isNewer(position, true)) {
                harm.add(line, bit);
            }
        });
    }

    @Override
    public synchronized void dropping(FileMapping touched, long offset, long bytes) {
        forEachWritten(touched, offset, bytes, (position, _) -> {
            if (!isAsTwin(position)) written.clear(position, 1);
        });
    }

    @Override
    public synchronized void dropped(FileMapping touched, long offset, long bytes) {
        forEachWritten(touched, offset, bytes,
                (position, _) -> file.segment().set(ValueLayout.JAVA_BYTE, twin + position, inBuffer(position)));
    }

    /** Receives an offset in the buffer and the offset in its file. */
    @FunctionalInterface
    private interface Bytes {
        void take(long position, long offset);
    }

    /** Reports the bytes of a file range that were written in the copy. */
    private void forEachWritten(FileMapping touched, long offset, long bytes, Bytes taker) {
        if (written.isEmpty()) return;
        for (int run = 0; run < memory.count(); run++) {
            if (!memory.mapping(run).id().equals(touched.id())) continue;
            long toPosition = memory.start(run) - memory.offset(run);
            long end = Math.min(offset + bytes, memory.offset(run) + memory.length(run)) + toPosition;
            long position = written.next(Math.max(offset, memory.offset(run)) + toPosition);
            while (position < end) {
                taker.take(position, position - toPosition);
                position = written.next(position + 1);
            }
        }
    }

    void close() {
        buffer.core().giveBounce(buffer.size());
        file.release();
    }
}
