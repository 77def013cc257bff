package sluice.dmacore.space;

import java.util.concurrent.atomic.AtomicReferenceArray;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.iommu.Targets;

/**
 * The files that the targets of one address space lie in. A target is the number of a slot, and below it the offset in the
 * file there: neighbours in one file are neighbours, and no two files ever are.
 *
 * <p>A slot is counted and holds its file. Readers find it without a lock, inside of their read sections; it is given back
 * when nothing is mapped any more that leads there.
 */
final class FileSlots {
    /** Bits of an offset: files up to 1 TiB. */
    private static final int OFFSET_BITS = 40;
    private static final long MAX_OFFSET = (1L << OFFSET_BITS) - 1;
    /** The last slot is never used, so that a file that ends where targets do has no neighbour. */
    static final int COUNT = (int) (Targets.MAX >>> OFFSET_BITS);

    private final AtomicReferenceArray<@Nullable FileMapping> files = new AtomicReferenceArray<>(COUNT);
    private final int[] uses = new int[COUNT];
    /** The highest slot ever used: a machine has few files. */
    private int highest = -1;

    /**
     * A slot for {@code file}, the one it has if it has one.
     *
     * @return −1 if all slots are taken, or the file is larger than a target can tell
     */
    synchronized int acquire(FileMapping file) {
        if (file.size() - 1 > MAX_OFFSET) return -1;
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
        return free;
    }

    /** Gives a slot back; nothing leads there any more that was mapped for this use of it. */
    synchronized void release(int slot) {
        if (--uses[slot] > 0) return;
        FileMapping file = files.get(slot);
        files.setRelease(slot, null);
        if (file != null) file.release();
    }

    static long target(int slot, long offset) {
        return (long) slot << OFFSET_BITS | offset;
    }

    /** The file a target lies in, or null if its slot is empty. */
    @Nullable
    FileMapping file(long target) {
        return files.getAcquire((int) (target >>> OFFSET_BITS));
    }

    static long offset(long target) {
        return target & MAX_OFFSET;
    }
}
