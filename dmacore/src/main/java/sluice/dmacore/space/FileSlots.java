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
 * The files that the targets of one address space lie in. A target is the number of a slot, and below it the offset in the
 * file there: neighbours in one file are neighbours, and no two files ever are.
 *
 * <p>A slot is counted and holds its file. Readers find it without a lock, inside of their read sections; it is given back
 * when nothing is mapped any more that leads there.
 */
final class FileSlots {
    /** The largest file, 1 TiB. */
    private static final long MAX_BYTES = 1L << 40;
    /** One bit more than an offset has: behind the end of the largest file is a gap, and not the next slot. */
    private static final int SLOT_SHIFT = 41;
    static final int COUNT = (int) ((Targets.MAX + 1) >>> SLOT_SHIFT);
    /** In the gap behind the largest file of slot 0: memory that is in no file of ours. */
    private static final long NO_FILE = MAX_BYTES;
    /** Half of the gap, so that there is a gap behind this, too. */
    private static final long NO_FILE_BYTES = MAX_BYTES / 2;

    private final AtomicReferenceArray<@Nullable FileMapping> files = new AtomicReferenceArray<>(COUNT);
    private final int[] uses = new int[COUNT];
    /** The highest slot ever used: a machine has few files. */
    private int highest = -1;
    /** Changes with every file that comes or goes. */
    private volatile long version;

    /**
     * A slot for {@code file}, the one it has if it has one.
     *
     * @return −1 if all slots are taken, or the file is larger than a target can tell
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

    /** The slot a file has, or −1. */
    synchronized int known(FileMapping file) {
        for (int slot = 0; slot <= highest; slot++) {
            if (uses[slot] > 0 && file.equals(files.get(slot))) return slot;
        }
        return -1;
    }

    /**
     * Gives a slot back; nothing leads there any more that was mapped for this use of it.
     *
     * @throws IllegalStateException if every use of it was given back already
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

    /** A number that is another one after a file has come or gone. */
    long version() {
        return version;
    }

    /** A generation of memory that keeps the files which are here now. */
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

    /** Appends the targets of memory that lies in no file, and that its owner moves by messages. */
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

    /** Whether a target is one of {@link #addWithoutFile}. */
    static boolean isWithoutFile(long target) {
        return (target & NO_FILE) != 0;
    }

    /** The file a target lies in, or null if its slot is empty. */
    @Nullable
    FileMapping file(long target) {
        return files.getAcquire((int) (target >>> SLOT_SHIFT));
    }

    static long offset(long target) {
        return target & ((1L << SLOT_SHIFT) - 1);
    }
}
