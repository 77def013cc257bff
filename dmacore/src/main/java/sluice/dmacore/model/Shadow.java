package sluice.dmacore.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Scratch;
import sluice.dmacore.ownership.Lines;

/**
 * The modelled memory of one file, as a non-snooping device sees it; the file itself models the CPU caches. A shadow is
 * sparse: it uses only the pages that devices use, however large the file is.
 *
 * <p>For each byte that a device writes, the twin keeps the cached value at that moment. A cached byte that differs
 * from its twin was written by the CPU since. This determines where the newest value of each byte is, and distinguishes
 * bytes of the device and of the CPU in one line. Bytes of a line are bits of a {@code long}, bit 0 for the first.
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

    /** State of 2 MiB, while one of its pages is modelled. */
    private static final class Chunk {
        /** Number of devices that use each page. */
        final int[] uses = new int[CHUNK_PAGES];
        int pages;
        final BitSet deviceWritten = new BitSet();
        /** Of those, the lines that the CPU has written as well. */
        final BitSet dirty = new BitSet();
        /** Bytes written in partial lines, by page; null where all lines were written completely. */
        final long[] @Nullable [] bytes = new long[CHUNK_PAGES][];
    }

    private final FileMapping caches;
    private final Scratch memoryScratch;
    private final Scratch twinsScratch;
    private final FileMapping memory;
    private final FileMapping twins;
    private final @Nullable Chunk[] chunks;
    /** Pages that are modelled. */
    private long pages;
    /** Total of page uses by devices. Guarded by the shadow's entry in the table. */
    private long uses;
    private final LongAdder copied = new LongAdder();

    private Shadow(FileMapping caches, Scratch memory, Scratch twins) {
        this.caches = caches;
        memoryScratch = memory;
        twinsScratch = twins;
        this.memory = memory.mapping();
        this.twins = twins.mapping();
        chunks = new Chunk[(int) ((caches.size() - 1) / CHUNK_BYTES) + 1];
    }

    static Shadow of(FileMapping caches, FileMappings files) throws IOException {
        Scratch memory = files.scratch("sluice-shadow", caches.size());
        boolean done = false;
        try {
            Shadow shadow = new Shadow(caches, memory, files.scratch("sluice-twins", caches.size()));
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

    /** A device is about to {@link #cover} a range: keeps the shadow until {@linkplain #leave}. */
    void join(long offset, long bytes) {
        uses += endPage(offset, bytes) - offset / PAGE;
    }

    /** Begins to model the pages of a range: memory is initialised from the caches. */
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
            pages++;
            copy(caches, memory, page * PAGE, Math.min(PAGE, caches.size() - page * PAGE));
            chunk.deviceWritten.clear(in * PAGE_LINES, (in + 1) * PAGE_LINES);
            chunk.bytes[in] = null;
        }
    }

    /** A device has {@linkplain #uncover uncovered} a range. Returns whether no device is left. */
    boolean leave(long offset, long bytes) {
        uses -= endPage(offset, bytes) - offset / PAGE;
        return uses == 0;
    }

    /** Ends the use of a range by one device; unused pages are freed. */
    void uncover(long offset, long bytes) {
        long end = endPage(offset, bytes);
        long idle = -1; // the first of the unused pages before this one
        for (long page = offset / PAGE; page < end; page++) {
            Chunk chunk = chunk(page / CHUNK_PAGES);
            boolean ended = --chunk.uses[(int) (page % CHUNK_PAGES)] == 0;
            if (ended) {
                pages--;
                if (--chunk.pages == 0) chunks[(int) (page / CHUNK_PAGES)] = null;
                if (idle < 0) idle = page;
            }
            if (!ended && idle >= 0) {
                giveBack(idle, page);
                idle = -1;
            }
        }
        // The last pages are given back with the files, or covered anew.
        if (idle >= 0 && pages > 0) giveBack(idle, end);
    }

    private void giveBack(long page, long end) {
        memoryScratch.giveBack(page * PAGE, (end - page) * PAGE);
        twinsScratch.giveBack(page * PAGE, (end - page) * PAGE);
    }

    private static long endPage(long offset, long bytes) {
        return (offset + bytes + PAGE - 1) / PAGE;
    }

    /**
     * The first offset at or after {@code offset} in a page that is modelled, or not; {@code end} if there is none
     * before.
     */
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

    /** The bytes of a line that a device has written and that no cache operation has fetched or overwritten. */
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

    /** Whether a line written by a device is also dirty in the cache. */
    boolean isTouched(long line) {
        return chunk(line / CHUNK_LINES).dirty.get((int) (line % CHUNK_LINES)) || differing(twins, line) != 0;
    }

    /** The bytes that the CPU has written since the device's write, or since memory was equal. */
    long writtenMeanwhile(long line) {
        return isDeviceWritten(line) ? differing(twins, line) : differing(memory, line);
    }

    /** The bytes of a line that are newer in the caches than in memory. */
    long newerInCaches(long line) {
        long differs = differing(memory, line);
        return differs == 0 ? 0 : differs & ~newestInMemory(line);
    }

    /** The bytes of a line that are newer in memory than in the caches. */
    long newerInMemory(long line) {
        long written = newestInMemory(line);
        return written == 0 ? 0 : written & differing(memory, line);
    }

    private long newestInMemory(long line) {
        long written = deviceBytes(line);
        return written == 0 ? 0 : written & ~differing(twins, line);
    }

    /** The bytes in which the caches and another buffer differ. */
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

    /** Whether a range of lines is equal in caches and memory. */
    boolean equalsMemory(long offset, long bytes) {
        long end = Math.min(offset + bytes, caches.size());
        return MemorySegment.mismatch(caches.segment(), offset, end, memory.segment(), offset, end) < 0;
    }

    /** A device is about to write contiguous bytes of a line. */
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

    /** Writes the cached line to memory. */
    void writeBack(long line) {
        copy(caches, memory, line * LINE, lineBytes(line));
        forgetDevice(line);
    }

    /** Drops the cached line: the cache is reloaded from memory. */
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

    /** The first line of a range that a device has written, or −1. */
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
        memoryScratch.close();
        twinsScratch.close();
    }
}
