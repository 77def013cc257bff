package sluice.dmacore.exporter;

import java.io.IOException;
import java.util.BitSet;
import java.util.Random;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;

/**
 * A memfd pool for buffers without an owning device (row S21). Pages are allocated scattered, as on a machine with
 * fragmented memory, unless devices need contiguous memory. It may allocate late, when the devices are known, and
 * supports moves.
 */
public final class MemoryPool implements Exporter, AutoCloseable {
    private static final int PAGE = 4096;

    private final FileMapping file;
    private final int pages;
    private final BitSet taken = new BitSet();
    private final Random scatter;
    private final boolean late;

    private MemoryPool(FileMapping file, long seed, boolean late) {
        this.file = file;
        this.late = late;
        pages = (int) (file.size() / PAGE);
        scatter = new Random(seed);
    }

    /**
     * An empty pool.
     *
     * @param bytes a multiple of 4096, up to 8 TiB
     * @param seed of the scattering of pages
     * @param late whether memory is allocated at first use instead of at export
     */
    public static MemoryPool open(FileMappings files, long bytes, long seed, boolean late) throws IOException {
        if (bytes <= 0 || (bytes & (PAGE - 1)) != 0 || bytes / PAGE > Integer.MAX_VALUE)
            throw new IllegalArgumentException("a pool of " + bytes + " bytes: give a multiple of 4096");
        try (Fd fd = Memfd.create("sluice-pool", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, bytes);
            return new MemoryPool(files.map(fd), seed, late);
        }
    }

    @Override
    public String name() {
        return "pool";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.BRACKETED;
    }

    @Override
    public boolean allocatesLate() {
        return late;
    }

    @Override
    public boolean moves() {
        return true;
    }

    /** The file of the pages. */
    public FileMapping file() {
        return file;
    }

    /** Number of free pages. */
    public synchronized int freePages() {
        return pages - taken.cardinality();
    }

    @Override
    public synchronized BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        long wanted = (request.bytes() - 1) / PAGE + 1;
        if (wanted > freePages()) throw full();
        long unit = request.alignment() / PAGE;
        int limit = Long.compareUnsigned(request.highest(), file.size() - 1) >= 0
                ? pages
                : (int) ((request.highest() + 1) / PAGE);
        Runs runs = new Runs();
        if (request.takesScattered()) {
            scattered(request, (int) wanted, unit, limit, runs);
            return given(runs);
        }
        int first = firstFit(request, (int) wanted, unit, limit);
        if (first >= 0) {
            take(first, (int) wanted, request.bytes(), runs);
            return given(runs);
        }
        if (!request.contiguous() && longest(request, unit, limit, runs)) return given(runs);
        throw new DmaBufException(Errno.ENOMEM, """
                the pool has no %d pages in one piece, or as few as all devices take, aligned to 0x%x, below page %d\
                """.formatted(wanted, request.alignment(), limit));
    }

    private BufferMemory given(Runs runs) {
        return BufferMemory.ofPages(runs, () -> give(runs));
    }

    private DmaBufException full() {
        return new DmaBufException(Errno.ENOMEM,
                "the pool is full: %d of %d pages are left".formatted(freePages(), pages));
    }

    private void take(int first, int count, long bytes, Runs runs) {
        taken.set(first, first + count);
        runs.add(file, (long) first * PAGE, bytes);
    }

    /** The first contiguous place at which no device gets too many segments, or −1. */
    private int firstFit(AllocationRequest request, int wanted, long unit, int limit) {
        int at = 0;
        while (at >= 0 && at <= limit - wanted) {
            int next = taken.nextSetBit(at);
            int end = next < 0 ? limit : Math.min(next, limit);
            int found = suiting(request, at, end - wanted, unit);
            if (found >= 0) return found;
            at = aligned(taken.nextClearBit(Math.max(end, at + 1)), unit);
        }
        return -1;
    }

    /**
     * The first of these pages at which no device gets too many segments, or −1; the result is periodic in the
     * boundaries.
     */
    private static int suiting(AllocationRequest request, int from, int last, long unit) {
        long most = Math.min(last, from + request.period() / PAGE);
        for (long at = from; at <= most; at += unit) {
            if (request.suits(at * PAGE)) return (int) at;
        }
        return -1;
    }

    /** The first multiple of a unit at or after a page; −1 if there is none. */
    private static int aligned(int page, long unit) {
        long up = (page + unit - 1) / unit * unit;
        return up > Integer.MAX_VALUE ? -1 : (int) up;
    }

    /** Allocates the longest free ranges; false, with nothing allocated, if they are too many segments. */
    private boolean longest(AllocationRequest request, long unit, int limit, Runs runs) {
        long left = request.bytes();
        while (left > 0) {
            int best = -1;
            int most = 0;
            int at = aligned(taken.nextClearBit(0), unit);
            while (at >= 0 && at < limit) {
                int next = taken.nextSetBit(at);
                int end = next < 0 ? limit : Math.min(next, limit);
                if (end - at > most) {
                    best = at;
                    most = end - at;
                }
                at = aligned(taken.nextClearBit(Math.max(end, at + 1)), unit);
            }
            if (best < 0) break;
            // All runs but the last consist of whole pages of the device with the largest pages.
            long whole = most < unit ? most : most / unit * unit;
            int count = (int) Math.min((left - 1) / PAGE + 1, whole);
            long bytes = Math.min(left, (long) count * PAGE);
            take(best, count, bytes, runs);
            left -= bytes;
        }
        if (left == 0 && request.suits(runs)) return true;
        give(runs);
        return false;
    }

    private void scattered(AllocationRequest request, int wanted, long unit, int limit, Runs runs)
            throws DmaBufException {
        int left = wanted;
        long bytes = request.bytes();
        while (left > 0) {
            int count = (int) Math.min(unit, left);
            int first = freeUnit(unit, count, limit);
            if (first < 0) {
                give(runs);
                throw full();
            }
            long piece = Math.min(bytes, (long) count * PAGE);
            take(first, count, piece, runs);
            bytes -= piece;
            left -= count;
        }
    }

    private int freeUnit(long unit, int count, int limit) {
        if (limit < count) return -1;
        int units = (int) ((limit - count) / unit) + 1;
        int start = scatter.nextInt(units);
        for (int i = 0; i < units; i++) {
            int first = (int) ((start + i) % units * unit);
            int used = taken.nextSetBit(first);
            if (used < 0 || used >= first + count) return first;
        }
        return -1;
    }

    private synchronized void give(Runs runs) {
        for (int run = 0; run < runs.count(); run++) {
            int first = (int) (runs.offset(run) / PAGE);
            taken.clear(first, first + (int) ((runs.length(run) + PAGE - 1) / PAGE));
        }
    }

    /** Releases the pool's own reference; buffers keep theirs. */
    @Override
    public void close() {
        file.release();
    }
}
