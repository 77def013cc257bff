package sluice.dmacore.buffer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Lines;

/**
 * A CPU access, from begin to end. Bytes outside its range, or read in a write-only access, may be stale; accessing
 * them is a finding.
 */
public final class CpuAccess implements AutoCloseable {
    /** Size of a page window in bytes. */
    public static final int PAGE = 4096;
    /** Atomic windows per thread: {@code kmap_atomic} had two slots. */
    public static final int MOST_ATOMIC_WINDOWS = 2;

    private static final ThreadLocal<int[]> ATOMIC_WINDOWS = ThreadLocal.withInitial(() -> new int[1]);

    private final Opener opener;
    private final DmaBuf buffer;
    private final Runs memory;
    private final long from;
    private final long length;
    private final Direction direction;
    private volatile boolean open = true;
    /** Guarded by the memory's lock. */
    private @Nullable Arena windows;

    CpuAccess(Opener opener, Runs memory, long from, long length, Direction direction) {
        this.opener = opener;
        this.buffer = opener.buffer();
        this.memory = memory;
        this.from = from;
        this.length = length;
        this.direction = direction;
    }

    Opener opener() {
        return opener;
    }

    public long from() {
        return from;
    }

    public long length() {
        return length;
    }

    public Direction direction() {
        return direction;
    }

    boolean covers(long position, long bytes, boolean write) {
        boolean way = write ? direction.deviceReads() : direction.deviceWrites();
        return open && way && position >= from && position + bytes <= from + length;
    }

    // ---- bytes

    /** Reads bytes of the buffer. */
    public void read(long position, byte[] target, int targetOffset, int bytes) {
        check(position, bytes, false);
        synchronized (memory) {
            memory.copyTo(position, target, targetOffset, bytes);
        }
    }

    /** Writes bytes of the buffer. */
    public void write(long position, byte[] source, int sourceOffset, int bytes) {
        check(position, bytes, true);
        synchronized (memory) {
            memory.copyFrom(source, sourceOffset, position, bytes);
        }
    }

    private void check(long position, long bytes, boolean write) {
        if (position < 0 || position > buffer.size() - bytes) {
            throw new IndexOutOfBoundsException("%d bytes at %d of the %d of %s".formatted(bytes, position,
                    buffer.size(), buffer.name()));
        }
        Lines lines = buffer.linesOrNull();
        if (lines != null) buffer.core().gate().cpuAccess(lines, position, bytes, write);
        if (covers(position, bytes, write)) return;
        String what = open
                ? "of an access to [0x%x, 0x%x] %s".formatted(from, from + length - 1, direction)
                : "of an access that has ended";
        buffer.core().findings().add(Rule.CPU_ACCESS_OUTSIDE_BRACKET, buffer.subject(), position, bytes,
                "%s %s outside %s".formatted(opener.who(), write ? "writes" : "reads", what));
    }

    // ---- windows

    /**
     * Maps a page of the buffer (kmap). Never fails while the access is open, also for partial pages at its ends; may
     * be called any number of times. The last page of the buffer may be shorter. The window is read-only unless the
     * access writes; using it after the end of the access throws {@link IllegalStateException}.
     *
     * @param page from 0 on
     * @throws IndexOutOfBoundsException if the access does not include a part of the page
     * @throws IllegalStateException if the access has ended
     */
    public MemorySegment page(long page) {
        long start = page * PAGE;
        if (page < 0 || page > (buffer.size() - 1) / PAGE || start >= from + length || start + PAGE <= from) {
            throw new IndexOutOfBoundsException(
                    "page %d has nothing of the access to [0x%x, 0x%x] of %s".formatted(page,
                            from, from + length - 1, buffer.name()));
        }
        synchronized (memory) {
            if (!open) throw new IllegalStateException("the access to " + buffer.name() + " has ended");
            int run = memory.runAt(start);
            long offset = memory.offset(run) + (start - memory.start(run));
            long bytes = Math.min(PAGE, buffer.size() - start);
            if (memory.start(run) + memory.length(run) < start + bytes)
                throw new IllegalStateException(buffer.name() + " is not made of pages: read and write its bytes");
            MemorySegment window = memory.mapping(run).segment().asSlice(offset, bytes).reinterpret(windows(), null);
            return direction.deviceReads() ? window : window.asReadOnly();
        }
    }

    /** The arena of the windows; created for the first window, because closing it costs about 10 µs. */
    private Arena windows() {
        Arena present = windows;
        if (present != null) return present;
        Arena made = Arena.ofShared();
        windows = made;
        return made;
    }

    /** The access has ended: invalidates its windows. With the buffer locked. */
    private void closeWindows() {
        synchronized (memory) {
            Arena present = windows;
            windows = null;
            if (present != null) present.close();
        }
    }

    /** A page for a short use by one thread, which must not block meanwhile. */
    public static final class AtomicWindow implements AutoCloseable {
        private final MemorySegment memory;
        private final Thread owner = Thread.currentThread();
        private boolean held = true;

        private AtomicWindow(MemorySegment memory) {
            this.memory = memory;
        }

        public MemorySegment memory() {
            return memory;
        }

        /** Releases the window, on the thread that opened it. */
        @Override
        public void close() {
            if (!owner.equals(Thread.currentThread())) throw new IllegalStateException("another thread's window");
            if (!held) return;
            held = false;
            ATOMIC_WINDOWS.get()[0]--;
        }
    }

    /**
     * Maps a page for a thread that must not block; a thread may hold two at a time (row S28).
     *
     * @throws DmaBufException EBUSY if it holds two
     */
    public AtomicWindow atomicPage(long page) throws DmaBufException {
        int[] windows = ATOMIC_WINDOWS.get();
        if (windows[0] == MOST_ATOMIC_WINDOWS) {
            buffer.core().findings().add(Rule.TOO_MANY_ATOMIC_WINDOWS, buffer.subject(), page * PAGE, PAGE,
                    opener.who() + " wants a third");
            throw buffer.refused(Errno.EBUSY, "this thread holds %d atomic windows already".formatted(windows[0]));
        }
        MemorySegment memory = page(page);
        windows[0]++;
        return new AtomicWindow(memory);
    }

    // ---- ending

    /**
     * Ends the access: written bytes become visible to the owner of the buffer.
     *
     * @throws DmaBufException EINVAL if it has ended already, and errors of the exporter; the access has ended in any
     * case
     */
    public void end() throws DmaBufException {
        synchronized (buffer) {
            if (!open) {
                String what = opener.who() + " ends an access twice";
                buffer.core().findings().add(Rule.UNBALANCED_CPU_ACCESS, buffer.subject(), from, length, what);
                throw buffer.refused(Errno.EINVAL, what);
            }
            // The access has ended even if the exporter fails: all else is done by then.
            open = false;
            closeWindows();
            buffer.accesses().end(this);
        }
    }

    /** {@link #end}, unless it has ended. */
    @Override
    public void close() throws DmaBufException {
        synchronized (buffer) {
            if (open) end();
        }
    }
}
