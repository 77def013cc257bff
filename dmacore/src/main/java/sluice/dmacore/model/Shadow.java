package sluice.dmacore.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.Lines;

/**
 * Memory behind the caches of one file: what a device sees that does not snoop. The file itself plays the caches. Both have
 * holes where nobody looks, so a shadow of 4 GiB costs the pages that devices use.
 *
 * <p>Of each line that a device writes, the bytes that the caches held at that moment are kept: the twin. A line whose bytes
 * differ from its twin was written by the CPU since.
 */
final class Shadow {
    private static final int PAGE = 4096;
    private static final int LINE = Lines.LINE;

    private final FileMapping caches;
    private final FileMapping memory;
    private final FileMapping twins;
    /** Pages that play, and by how many devices. */
    private final BitSet present = new BitSet();
    private final BitSet deviceWritten = new BitSet();
    /** Of those, the ones that the caches held newer than memory at that moment. */
    private final BitSet dirty = new BitSet();
    private long copied;

    private Shadow(FileMapping caches, FileMapping memory, FileMapping twins) {
        this.caches = caches;
        this.memory = memory;
        this.twins = twins;
    }

    static Shadow of(FileMapping caches, FileMappings files) throws IOException {
        caches.retain();
        return new Shadow(caches, sparse("sluice-shadow", caches.size(), files),
                sparse("sluice-twins", caches.size(), files));
    }

    private static FileMapping sparse(String name, long bytes, FileMappings files) throws IOException {
        try (Fd fd = Memfd.create(name, Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, (bytes + PAGE - 1) & -PAGE);
            return files.map(fd);
        }
    }

    FileMapping memory() {
        return memory;
    }

    /** Bytes copied so far. */
    long copied() {
        return copied;
    }

    /** Lets the pages of a range play: memory begins with what the caches hold. */
    void cover(long offset, long bytes) {
        int end = (int) ((offset + bytes + PAGE - 1) / PAGE);
        for (int page = (int) (offset / PAGE); page < end; page++) {
            if (present.get(page)) continue;
            present.set(page);
            long at = (long) page * PAGE;
            copy(caches, memory, at, Math.min(PAGE, caches.size() - at));
            deviceWritten.clear(page * (PAGE / LINE), (page + 1) * (PAGE / LINE));
        }
    }

    /** The pages of a range do not play any more. */
    void uncover(long offset, long bytes) {
        present.clear((int) (offset / PAGE), (int) ((offset + bytes + PAGE - 1) / PAGE));
    }

    private void copy(FileMapping from, FileMapping to, long offset, long bytes) {
        MemorySegment.copy(from.segment(), offset, to.segment(), offset, bytes);
        copied += bytes;
    }

    // ---- lines, by their number in the file

    private long lineBytes(int line) {
        return Math.min(LINE, caches.size() - (long) line * LINE);
    }

    boolean isDeviceWritten(int line) {
        return deviceWritten.get(line);
    }

    /** Whether the CPU had written a line before the device did, and not written it back. */
    boolean wasDirty(int line) {
        return dirty.get(line);
    }

    /** Whether the caches hold what a line's twin does. */
    boolean equalsTwin(int line) {
        return equal(twins, line);
    }

    /** Whether the caches hold what memory does. */
    boolean equalsMemory(int line) {
        return equal(memory, line);
    }

    private boolean equal(FileMapping other, int line) {
        long at = (long) line * LINE;
        return MemorySegment.mismatch(caches.segment(), at, at + lineBytes(line), other.segment(), at,
                at + lineBytes(line)) < 0;
    }

    /** Whether a stretch of lines holds the same in caches and memory; no line of it is a device's. */
    boolean equalsMemory(long offset, long bytes) {
        long end = Math.min(offset + bytes, caches.size());
        return MemorySegment.mismatch(caches.segment(), offset, end, memory.segment(), offset, end) < 0;
    }

    /** A device is about to write a line. */
    void keepTwin(int line) {
        if (deviceWritten.get(line)) return;
        deviceWritten.set(line);
        dirty.set(line, !equalsMemory(line));
        copy(caches, twins, (long) line * LINE, lineBytes(line));
    }

    /** The caches' line goes to memory. */
    void writeBack(int line) {
        copy(caches, memory, (long) line * LINE, lineBytes(line));
        deviceWritten.clear(line);
    }

    /** The caches' line is dropped: what is there now is what memory holds. */
    void drop(int line) {
        copy(memory, caches, (long) line * LINE, lineBytes(line));
        deviceWritten.clear(line);
    }

    void writeBack(long offset, long bytes) {
        copy(caches, memory, offset, Math.min(bytes, caches.size() - offset));
    }

    void drop(long offset, long bytes) {
        copy(memory, caches, offset, Math.min(bytes, caches.size() - offset));
    }

    /** The first line of a stretch that a device has written, or −1. */
    int nextDeviceWritten(int first, int end) {
        int next = deviceWritten.nextSetBit(first);
        return next < 0 || next >= end ? -1 : next;
    }

    void close() {
        caches.release();
        memory.release();
        twins.release();
    }
}
