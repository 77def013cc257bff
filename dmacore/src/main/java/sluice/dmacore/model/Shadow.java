package sluice.dmacore.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.Lines;

/**
 * Memory behind the caches of one file: what a device sees that does not snoop. The file itself plays the caches. Both have
 * holes where nobody looks, so a shadow costs the pages that devices use, however large the file is.
 *
 * <p>Of each byte that a device writes, what the caches held at that moment is kept: the twin. One that differs from its twin
 * was written by the CPU since. So it is known of each byte where its newest value is, and a device's bytes and the CPU's on one
 * line are told apart. Bytes of a line are bits of a {@code long}, bit 0 for the first.
 */
final class Shadow {
    private static final int PAGE = 4096;
    private static final int LINE = Lines.LINE;
    private static final int CHUNK_PAGES = 512;
    private static final long CHUNK_BYTES = (long) CHUNK_PAGES * PAGE;
    private static final int CHUNK_LINES = (int) (CHUNK_BYTES / LINE);
    private static final int PAGE_LINES = PAGE / LINE;
    private static final long WHOLE = -1L;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What is known of 2 MiB, while a page of them plays. */
    private static final class Chunk {
        /** By how many devices each page is played. */
        final int[] uses = new int[CHUNK_PAGES];
        int pages;
        final BitSet deviceWritten = new BitSet();
        /** Of those, the ones that the caches had to write back all the same. */
        final BitSet dirty = new BitSet();
        /** By page, the bytes of those; null where all lines were written as a whole. */
        final long[] @Nullable [] bytes = new long[CHUNK_PAGES][];
    }

    /** A file with holes, mapped. */
    private record Sparse(Fd fd, FileMapping mapping) {
        static Sparse of(String name, long bytes, FileMappings files) throws IOException {
            Fd fd = Memfd.create(name, Memfd.ALLOW_SEALING);
            boolean mapped = false;
            try {
                Memfd.resize(fd, (bytes + PAGE - 1) & -PAGE);
                Sparse sparse = new Sparse(fd, files.map(fd));
                mapped = true;
                return sparse;
            } finally {
                if (!mapped) fd.close();
            }
        }

        void giveBack(long offset, long bytes) {
            try {
                Memfd.punch(fd, offset, bytes);
            } catch (ErrnoException e) {
                throw new UncheckedIOException("pages of a shadow cannot be given back", e);
            }
        }

        void close() {
            mapping.release();
            fd.close();
        }
    }

    private final FileMapping caches;
    private final Sparse memoryFile;
    private final Sparse twinsFile;
    private final FileMapping memory;
    private final FileMapping twins;
    private final @Nullable Chunk[] chunks;
    /** Pages that play, each as often as devices play it. Guarded by the shadow's entry in the table of all. */
    private long uses;
    private final LongAdder copied = new LongAdder();

    private Shadow(FileMapping caches, Sparse memory, Sparse twins) {
        this.caches = caches;
        memoryFile = memory;
        twinsFile = twins;
        this.memory = memory.mapping;
        this.twins = twins.mapping;
        chunks = new Chunk[(int) ((caches.size() - 1) / CHUNK_BYTES) + 1];
    }

    static Shadow of(FileMapping caches, FileMappings files) throws IOException {
        Sparse memory = Sparse.of("sluice-shadow", caches.size(), files);
        boolean done = false;
        try {
            Shadow shadow = new Shadow(caches, memory, Sparse.of("sluice-twins", caches.size(), files));
            caches.retain();
            done = true;
            return shadow;
        } finally {
            if (!done) memory.close();
        }
    }

    FileMapping memory() {
        return memory;
    }

    /** Bytes copied so far. */
    long copied() {
        return copied.sum();
    }

    // ---- which pages play

    /** A device is about to {@link #cover} a range: the shadow is kept until it has {@linkplain #leave left}. */
    void join(long offset, long bytes) {
        uses += endPage(offset, bytes) - offset / PAGE;
    }

    /** Lets the pages of a range play: memory begins with what the caches hold. */
    void cover(long offset, long bytes) {
        long end = endPage(offset, bytes);
        for (long page = offset / PAGE; page < end; page++) {
            int index = (int) (page / CHUNK_PAGES);
            Chunk chunk = chunks[index];
            if (chunk == null) {
                chunk = new Chunk();
                chunks[index] = chunk;
            }
            int in = (int) (page % CHUNK_PAGES);
            if (chunk.uses[in]++ > 0) continue;
            chunk.pages++;
            copy(caches, memory, page * PAGE, Math.min(PAGE, caches.size() - page * PAGE));
            chunk.deviceWritten.clear(in * PAGE_LINES, (in + 1) * PAGE_LINES);
            chunk.bytes[in] = null;
        }
    }

    /** A device has {@linkplain #uncover uncovered} a range. Returns whether nobody is left anywhere. */
    boolean leave(long offset, long bytes) {
        uses -= endPage(offset, bytes) - offset / PAGE;
        return uses == 0;
    }

    /** A range plays for one device less; pages that play for none are given back. */
    void uncover(long offset, long bytes) {
        long end = endPage(offset, bytes);
        long idle = -1; // the first of the pages before this one that play no more
        for (long page = offset / PAGE; page < end; page++) {
            Chunk chunk = chunk(page / CHUNK_PAGES);
            boolean ended = --chunk.uses[(int) (page % CHUNK_PAGES)] == 0;
            if (ended && --chunk.pages == 0) chunks[(int) (page / CHUNK_PAGES)] = null;
            if (ended && idle < 0) idle = page;
            if (!ended && idle >= 0) {
                giveBack(idle, page);
                idle = -1;
            }
        }
        if (idle >= 0) giveBack(idle, end);
    }

    private void giveBack(long page, long end) {
        memoryFile.giveBack(page * PAGE, (end - page) * PAGE);
        twinsFile.giveBack(page * PAGE, (end - page) * PAGE);
    }

    private static long endPage(long offset, long bytes) {
        return (offset + bytes + PAGE - 1) / PAGE;
    }

    /** The first offset from {@code offset} on whose page plays, or does not; {@code end} if there is none before. */
    long next(boolean playing, long offset, long end) {
        long at = offset;
        while (at < end) {
            long page = at / PAGE;
            Chunk chunk = chunks[(int) (page / CHUNK_PAGES)];
            if ((chunk != null && chunk.uses[(int) (page % CHUNK_PAGES)] > 0) == playing) return at;
            at = (page + 1) * PAGE;
        }
        return end;
    }

    private Chunk chunk(long index) {
        return Objects.requireNonNull(chunks[(int) index], "only pages that play are asked about");
    }

    private void copy(FileMapping from, FileMapping to, long offset, long bytes) {
        MemorySegment.copy(from.segment(), offset, to.segment(), offset, bytes);
        copied.add(bytes);
    }

    // ---- lines, by their number in the file

    private long lineBytes(long line) {
        return Math.min(LINE, caches.size() - line * LINE);
    }

    boolean isDeviceWritten(long line) {
        return chunk(line / CHUNK_LINES).deviceWritten.get((int) (line % CHUNK_LINES));
    }

    /** The bytes of a line that a device has written, and that nobody has fetched or overwritten by an operation. */
    private long deviceBytes(long line) {
        Chunk chunk = chunk(line / CHUNK_LINES);
        int in = (int) (line % CHUNK_LINES);
        if (!chunk.deviceWritten.get(in)) return 0;
        long[] page = chunk.bytes[in / PAGE_LINES];
        return page == null ? WHOLE : page[in % PAGE_LINES];
    }

    private static void setDeviceBytes(Chunk chunk, int in, long bytes) {
        long[] page = chunk.bytes[in / PAGE_LINES];
        if (page == null) {
            if (bytes == WHOLE) return;
            page = new long[PAGE_LINES];
            Arrays.fill(page, WHOLE);
            chunk.bytes[in / PAGE_LINES] = page;
        }
        page[in % PAGE_LINES] = bytes;
    }

    private void forgetDevice(long line) {
        chunk(line / CHUNK_LINES).deviceWritten.clear((int) (line % CHUNK_LINES));
    }

    /** Whether a cache would write a line back that a device has written: the CPU has, too. */
    boolean isTouched(long line) {
        return chunk(line / CHUNK_LINES).dirty.get((int) (line % CHUNK_LINES)) || differing(twins, line) != 0;
    }

    /** The bytes that the CPU has written since the device did, or since memory held the same. */
    long writtenMeanwhile(long line) {
        return isDeviceWritten(line) ? differing(twins, line) : differing(memory, line);
    }

    /** The bytes of a line whose newest value is in the caches, and not in memory. */
    long newerInCaches(long line) {
        long differs = differing(memory, line);
        return differs == 0 ? 0 : differs & ~newestInMemory(line);
    }

    /** The bytes of a line whose newest value is in memory, and not in the caches. */
    long newerInMemory(long line) {
        long written = newestInMemory(line);
        return written == 0 ? 0 : written & differing(memory, line);
    }

    private long newestInMemory(long line) {
        long written = deviceBytes(line);
        return written == 0 ? 0 : written & ~differing(twins, line);
    }

    /** The bytes in which the caches and something else differ. */
    private long differing(FileMapping other, long line) {
        long at = line * LINE;
        long bytes = lineBytes(line);
        MemorySegment a = caches.segment();
        MemorySegment b = other.segment();
        long mask = 0;
        for (int i = 0; i < bytes; i += Long.BYTES) {
            if (bytes - i < Long.BYTES) {
                for (int k = i; k < bytes; k++) {
                    if (a.get(ValueLayout.JAVA_BYTE, at + k) != b.get(ValueLayout.JAVA_BYTE, at + k)) mask |= 1L << k;
                }
                break;
            }
            long x = a.get(WORD, at + i) ^ b.get(WORD, at + i);
            for (int k = 0; x != 0; k++, x >>>= 8) {
                if ((x & 0xff) != 0) mask |= 1L << (i + k);
            }
        }
        return mask;
    }

    /** Whether a stretch of lines holds the same in caches and memory. */
    boolean equalsMemory(long offset, long bytes) {
        long end = Math.min(offset + bytes, caches.size());
        return MemorySegment.mismatch(caches.segment(), offset, end, memory.segment(), offset, end) < 0;
    }

    /** A device is about to write bytes of a line, which lie side by side. */
    void noteDevice(long line, long bytes) {
        Chunk chunk = chunk(line / CHUNK_LINES);
        int in = (int) (line % CHUNK_LINES);
        if (!chunk.deviceWritten.get(in)) {
            chunk.deviceWritten.set(in);
            chunk.dirty.set(in, differing(memory, line) != 0);
            setDeviceBytes(chunk, in, bytes);
            copy(caches, twins, line * LINE, lineBytes(line));
            return;
        }
        if (differing(twins, line) != 0) chunk.dirty.set(in);
        int first = Long.numberOfTrailingZeros(bytes);
        copy(caches, twins, line * LINE + first, Math.min(Long.bitCount(bytes), lineBytes(line) - first));
        setDeviceBytes(chunk, in, deviceBytes(line) | bytes);
    }

    /** The CPU, or a device that snoops, is about to write bytes of a line that a device has written. */
    void noteCaches(long line, long bytes) {
        Chunk chunk = chunk(line / CHUNK_LINES);
        int in = (int) (line % CHUNK_LINES);
        long left = deviceBytes(line) & ~bytes;
        if (left == 0) {
            chunk.deviceWritten.clear(in);
            return;
        }
        chunk.dirty.set(in);
        setDeviceBytes(chunk, in, left);
    }

    /** The caches' line goes to memory. */
    void writeBack(long line) {
        copy(caches, memory, line * LINE, lineBytes(line));
        forgetDevice(line);
    }

    /** The caches' line is dropped: what is there now is what memory holds. */
    void drop(long line) {
        copy(memory, caches, line * LINE, lineBytes(line));
        forgetDevice(line);
    }

    void writeBack(long offset, long bytes) {
        copy(caches, memory, offset, Math.min(bytes, caches.size() - offset));
    }

    void drop(long offset, long bytes) {
        copy(memory, caches, offset, Math.min(bytes, caches.size() - offset));
    }

    /** The first line of a stretch that a device has written, or −1. */
    long nextDeviceWritten(long first, long end) {
        long line = first;
        while (line < end) {
            long begin = line - line % CHUNK_LINES;
            int next = chunk(line / CHUNK_LINES).deviceWritten.nextSetBit((int) (line - begin));
            if (next >= 0) return begin + next < end ? begin + next : -1;
            line = begin + CHUNK_LINES;
        }
        return -1;
    }

    void close() {
        caches.release();
        memoryFile.close();
        twinsFile.close();
    }
}
