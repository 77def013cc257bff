package sluice.dmacore.space;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.GuestMemory;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;

/**
 * The files of one address space. A target is a slot number in the high bits and an offset in the slot's file in the
 * low bits: contiguous bytes of a file have contiguous targets, and targets of different files are never adjacent.
 *
 * <p>A slot is reference-counted and holds its file. Readers look it up without a lock, in their read sections; it is
 * released with its last mapping.
 */
final class FileSlots {
    /** The largest file, 1 TiB. */
    private static final long MAX_BYTES = 1L << 40;
    /** One bit more than an offset needs, so that the largest file is followed by a gap instead of the next slot. */
    private static final int SLOT_SHIFT = 41;
    static final int COUNT = (int) ((Targets.MAX + 1) >>> SLOT_SHIFT);
    /** In the gap after the largest file of slot 0: memory without a file. */
    private static final long NO_FILE = MAX_BYTES;
    /** Half of the gap, so that another gap follows. */
    private static final long NO_FILE_BYTES = MAX_BYTES / 2;

    private final AtomicReferenceArray<@Nullable FileMapping> files = new AtomicReferenceArray<>(COUNT);
    private final int[] uses = new int[COUNT];
    /** The highest slot used so far; a machine has few files. */
    private int highest = -1;
    /** Changes with each file added or removed. */
    private volatile long version;

    /**
     * Acquires the slot of {@code file}, or a new one.
     *
     * @return −1 if all slots are in use, or the file is larger than {@value #MAX_BYTES} bytes
     */
    synchronized int acquire(FileMapping file) {
        if (file.size() > MAX_BYTES) return -1;
        int free = -1;
        for (int slot = 0; slot <= Math.min(highest + 1, COUNT - 1); slot++) {
            if (uses[slot] > 0 && file.equals(files.get(slot))) {
                uses[slot]++;
                return slot;
            }
            if (uses[slot] == 0 && free < 0) free = slot;
        }
        if (free < 0) return -1;
        files.setRelease(free, file.retain());
        uses[free] = 1;
        highest = Math.max(highest, free);
        version++;
        return free;
    }

    /** The slot of a file, or −1. */
    synchronized int known(FileMapping file) {
        for (int slot = 0; slot <= highest; slot++) {
            if (uses[slot] > 0 && file.equals(files.get(slot))) return slot;
        }
        return -1;
    }

    /**
     * Releases one use of a slot, after the mappings of this use were removed.
     *
     * @throws IllegalStateException if all uses were released already
     */
    synchronized void release(int slot) {
        if (uses[slot] == 0)
            throw new IllegalStateException("slot " + slot + " was released more often than acquired");
        if (--uses[slot] > 0) return;
        FileMapping file = files.get(slot);
        files.setRelease(slot, null);
        version++;
        if (file != null) file.release();
    }

    /** Changes when a file is added or removed. */
    long version() {
        return version;
    }

    /** A memory generation with references to the present files. */
    synchronized GuestMemory hold() {
        List<FileMapping> present = new ArrayList<>();
        for (int slot = 0; slot <= highest; slot++) {
            FileMapping file = files.get(slot);
            if (file != null) present.add(file);
        }
        return GuestMemory.holding(present);
    }

    static long target(int slot, long offset) {
        return (long) slot << SLOT_SHIFT | offset;
    }

    /** Appends the targets of memory without a file, which is accessed by messages. */
    static void addWithoutFile(long address, long length, TargetRuns targets) {
        long at = address;
        long left = length;
        while (left > 0) {
            long into = at & (NO_FILE_BYTES - 1);
            long piece = Math.min(left, NO_FILE_BYTES - into);
            targets.add(NO_FILE | into, piece);
            at += piece;
            left -= piece;
        }
    }

    /** Whether a target was added by {@link #addWithoutFile}. */
    static boolean isWithoutFile(long target) {
        return (target & NO_FILE) != 0;
    }

    /** The file of a target, or null if its slot is empty. */
    @Nullable
    FileMapping file(long target) {
        return files.getAcquire((int) (target >>> SLOT_SHIFT));
    }

    static long offset(long target) {
        return target & ((1L << SLOT_SHIFT) - 1);
    }
}
