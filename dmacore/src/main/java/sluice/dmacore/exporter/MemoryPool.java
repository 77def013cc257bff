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
 * Memory of our own for buffers of nobody in particular (row S21), a memfd. Its pages are given out scattered, as those of a
 * machine that has run for a while, unless the devices want them otherwise: then they come from where there is room in one
 * piece. It allocates when the devices are known, and moves.
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
     * @param seed of how pages are scattered
     * @param late whether buffers get their memory when it is used, and not when they are made
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

    /** The file whose pages these are. */
    public FileMapping file() {
        return file;
    }

    /** Pages that are not given out. */
    public synchronized int freePages() {
        return pages - taken.cardinality();
    }

    @Override
    public synchronized BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        int wanted = (int) ((request.bytes() + PAGE - 1) / PAGE);
        int limit = Long.compareUnsigned(request.highest(), file.size() - 1) >= 0
                ? pages
                : (int) ((request.highest() + 1) / PAGE);
        Runs runs = new Runs();
        if (request.contiguous()) {
            int first = firstFit(wanted, (int) (request.alignment() / PAGE), limit);
            if (first < 0) {
                throw new DmaBufException(Errno.ENOMEM,
                        "the pool has no %d pages in one piece, aligned to 0x%x, below page %d"
                                .formatted(wanted, request.alignment(), limit));
            }
            take(first, wanted, request.bytes(), runs);
        } else {
            scattered(request, wanted, limit, runs);
        }
        return BufferMemory.ofPages(runs, () -> give(runs));
    }

    private void take(int first, int count, long bytes, Runs runs) {
        taken.set(first, first + count);
        runs.add(file, (long) first * PAGE, bytes);
    }

    private int firstFit(int wanted, int alignment, int limit) {
        int step = Math.max(1, alignment);
        int at = 0;
        while (at + wanted <= limit) {
            int next = taken.nextSetBit(at);
            if (next < 0 || next >= at + wanted) return at;
            at = (next + step) / step * step;
        }
        return -1;
    }

    private void scattered(AllocationRequest request, int wanted, int limit, Runs runs) throws DmaBufException {
        int unit = (int) (request.alignment() / PAGE);
        int left = wanted;
        long bytes = request.bytes();
        while (left > 0) {
            int count = Math.min(unit, left);
            int units = limit / unit;
            int first = units == 0 ? -1 : freeUnit(unit, units);
            if (first < 0) {
                give(runs);
                throw new DmaBufException(Errno.ENOMEM,
                        "the pool is full: %d of %d pages are left".formatted(freePages(),
                                pages));
            }
            long piece = Math.min(bytes, (long) count * PAGE);
            take(first, count, piece, runs);
            bytes -= piece;
            left -= count;
        }
    }

    private int freeUnit(int unit, int units) {
        int start = scatter.nextInt(units);
        for (int i = 0; i < units; i++) {
            int first = (start + i) % units * unit;
            int used = taken.nextSetBit(first);
            if (used < 0 || used >= first + unit) return first;
        }
        return -1;
    }

    private synchronized void give(Runs runs) {
        for (int run = 0; run < runs.count(); run++) {
            int first = (int) (runs.offset(run) / PAGE);
            taken.clear(first, first + (int) ((runs.length(run) + PAGE - 1) / PAGE));
        }
    }

    /** Gives the pool's own reference back; buffers keep theirs. */
    @Override
    public void close() {
        file.release();
    }
}
