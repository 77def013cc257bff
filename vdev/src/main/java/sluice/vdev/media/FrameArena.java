package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.memory.FileMapping;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.SharedWindow;

/**
 * The memory of MMAP buffers: ranges of shared memory region 0, which a front-end maps once as a whole. A range stays
 * reserved while its buffer, a mapping of the driver or a job uses it; then its pages go back to the host, so that it reads
 * as zeros when it is used again. Used on the device's loop.
 */
final class FrameArena {
    /** A part of the arena. */
    static final class Range {
        private final FrameArena arena;
        private final long offset;
        private final long length;
        private final long slack;
        private int uses = 1;
        private int mappings;

        private Range(FrameArena arena, long offset, long length, long slack) {
            this.slack = slack;
            this.arena = arena;
            this.offset = offset;
            this.length = length;
        }

        /** In the region, in bytes; a multiple of a page. */
        long offset() {
            return offset;
        }

        /** As it was asked for. */
        long length() {
            return length;
        }

        /** Its bytes. */
        MemorySegment memory() {
            return arena.window().memory().asSlice(offset, length);
        }

        /** The same, and the slack after them. */
        MemorySegment whole() {
            return arena.window().memory().asSlice(offset, length + slack);
        }

        /** The file that it is in. */
        FileMapping file() {
            return arena.window().file();
        }

        /** Where it begins there. */
        long fileOffset() {
            return arena.window().fileOffset() + offset;
        }

        /** Whether the driver has mapped it. */
        boolean isMapped() {
            return mappings > 0;
        }

        void retain() {
            uses++;
        }

        void release() {
            if (--uses == 0) arena.free(this);
        }

        /** The same on any thread, also when the device has gone; it takes effect when room is looked for. */
        void releaseLater() {
            arena.left.add(this);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(FrameArena.class);

    private final long bytes;
    private final Share share;
    /** Free ranges below {@link #used}: length by offset. */
    private final TreeMap<Long, Long> free = new TreeMap<>();
    /** What other devices have used last. */
    private final Queue<Range> left = new ConcurrentLinkedQueue<>();
    /** By offset. */
    private final Map<Long, Range> mapped = new HashMap<>();
    /** All ranges end below; what is above was never written. */
    private long used;
    private long reserved;
    private @Nullable SharedWindow window;

    /** @param bytes a multiple of a page, at most 4 GiB, because V4L2's offsets have 32 bits */
    FrameArena(long bytes, Share share) {
        this.bytes = bytes;
        this.share = share;
    }

    /** The region, before the first use. */
    void attach(SharedWindow region) {
        window = region;
    }

    private SharedWindow window() {
        SharedWindow present = window;
        if (present == null) throw new IllegalStateException("the arena is used before the device was started");
        return present;
    }

    /** Size in bytes. */
    long bytes() {
        return bytes;
    }

    private void freeLeft() {
        for (Range range = left.poll(); range != null; range = left.poll()) range.release();
    }

    /** Bytes of all ranges in use, in whole pages. */
    long reserved() {
        freeLeft();
        return reserved;
    }

    /**
     * Reserves zeroed memory.
     *
     * @param length in bytes, at least 1
     * @param slack bytes after it that are nobody else's
     * @return null if there is none, or the share is used up
     */
    @Nullable
    Range reserve(long length, long slack) {
        freeLeft();
        if (length < 1 || length > bytes) return null;
        long wanted = SharedRegion.whole(length + slack);
        long offset = find(wanted);
        if (offset < 0 || !share.takeOrTell(Resource.HOST_MEMORY, wanted)) return null;
        Long hole = free.remove(offset);
        if (hole == null) used = offset + wanted;
        else if (hole > wanted) free.put(offset + wanted, hole - wanted);
        reserved += wanted;
        return new Range(this, offset, length, slack);
    }

    /** Where there is room, or −1. */
    private long find(long wanted) {
        for (Map.Entry<Long, Long> hole : free.entrySet()) {
            if (hole.getValue() >= wanted) return hole.getKey();
        }
        return wanted <= bytes - used ? used : -1;
    }

    private void free(Range range) {
        long offset = range.offset;
        long length = SharedRegion.whole(range.length + range.slack);
        reserved -= length;
        share.giveBack(Resource.HOST_MEMORY, length);
        clear(offset, length);
        Map.Entry<Long, Long> before = free.lowerEntry(offset);
        if (before != null && before.getKey() + before.getValue() == offset) {
            offset = before.getKey();
            length += before.getValue();
            free.remove(offset);
        }
        Long after = free.remove(offset + length);
        if (after != null) length += after;
        if (offset + length == used) {
            used = offset;
        } else {
            free.put(offset, length);
        }
    }

    private void clear(long offset, long length) {
        try {
            window().clear(offset, length);
        } catch (ErrnoException e) {
            LOG.warn("freed buffers keep their memory: {}", e.getMessage());
            window().memory().asSlice(offset, length).fill((byte) 0);
        }
    }

    /** The driver maps a range. */
    void map(Range range) {
        if (range.mappings++ == 0) {
            range.retain();
            mapped.put(range.offset, range);
        }
    }

    /** The driver ends one mapping of the range at {@code offset}; false if there is none. */
    boolean unmap(long offset) {
        Range range = mapped.get(offset);
        if (range == null) return false;
        if (--range.mappings == 0) {
            mapped.remove(offset);
            range.release();
        }
        return true;
    }

    /** The driver has gone, and its mappings with it. */
    void unmapAll() {
        for (Range range : mapped.values()) {
            range.mappings = 0;
            range.release();
        }
        mapped.clear();
    }
}
