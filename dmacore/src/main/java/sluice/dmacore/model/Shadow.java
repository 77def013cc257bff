package sluice.dmacore.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Objects;

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
 * <p>Of each line that a device writes, the bytes that the caches held at that moment are kept: the twin. A line whose bytes
 * differ from its twin was written by the CPU since.
 */
final class Shadow {
    private static final int PAGE = 4096;
    private static final int LINE = Lines.LINE;
    private static final int CHUNK_PAGES = 512;
    private static final long CHUNK_BYTES = (long) CHUNK_PAGES * PAGE;
    private static final int CHUNK_LINES = (int) (CHUNK_BYTES / LINE);

    /** What is known of 2 MiB, while a page of them plays. */
    private static final class Chunk {
        /** By how many devices each page is played. */
        final int[] uses = new int[CHUNK_PAGES];
        int pages;
        final BitSet deviceWritten = new BitSet();
        /** Of those, the ones that the caches held newer than memory at that moment. */
        final BitSet dirty = new BitSet();
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
    /** Pages that play, each as often as devices play it. */
    private long uses;
    private long copied;

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
        return copied;
    }

    // ---- which pages play

    /** Lets the pages of a range play: memory begins with what the caches hold. */
    void cover(long offset, long bytes) {
        long end = endPage(offset, bytes);
        for (long page = offset / PAGE; page < end; page++) {
            uses++;
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
            chunk.deviceWritten.clear(in * (PAGE / LINE), (in + 1) * (PAGE / LINE));
        }
    }

    /** A device is about to leave a range: counts what {@link #uncover} will do. Returns whether nobody is left anywhere. */
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
        copied += bytes;
    }

    // ---- lines, by their number in the file

    private long lineBytes(long line) {
        return Math.min(LINE, caches.size() - line * LINE);
    }

    boolean isDeviceWritten(long line) {
        return chunk(line / CHUNK_LINES).deviceWritten.get((int) (line % CHUNK_LINES));
    }

    /** Whether the CPU had written a line before the device did, and not written it back. */
    boolean wasDirty(long line) {
        return chunk(line / CHUNK_LINES).dirty.get((int) (line % CHUNK_LINES));
    }

    private void forgetDevice(long line) {
        chunk(line / CHUNK_LINES).deviceWritten.clear((int) (line % CHUNK_LINES));
    }

    /** Whether the caches hold what a line's twin does. */
    boolean equalsTwin(long line) {
        return equal(twins, line);
    }

    /** Whether the caches hold what memory does. */
    boolean equalsMemory(long line) {
        return equal(memory, line);
    }

    private boolean equal(FileMapping other, long line) {
        long at = line * LINE;
        return MemorySegment.mismatch(caches.segment(), at, at + lineBytes(line), other.segment(), at,
                at + lineBytes(line)) < 0;
    }

    /** Whether a stretch of lines holds the same in caches and memory; no line of it is a device's. */
    boolean equalsMemory(long offset, long bytes) {
        long end = Math.min(offset + bytes, caches.size());
        return MemorySegment.mismatch(caches.segment(), offset, end, memory.segment(), offset, end) < 0;
    }

    /** A device is about to write a line. */
    void keepTwin(long line) {
        Chunk chunk = chunk(line / CHUNK_LINES);
        int in = (int) (line % CHUNK_LINES);
        if (chunk.deviceWritten.get(in)) return;
        chunk.deviceWritten.set(in);
        chunk.dirty.set(in, !equalsMemory(line));
        copy(caches, twins, line * LINE, lineBytes(line));
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
