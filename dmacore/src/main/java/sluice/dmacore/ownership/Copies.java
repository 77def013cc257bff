package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;

/** Tells the copies that stand for an interval's lines what becomes of these. The lines' group is locked. */
final class Copies {
    private Copies() {}

    /** Whether there is a copy that its device has written, and that was not taken back since. */
    static boolean areWritten(Region region, int interval) {
        return written(region, interval) != 0;
    }

    /** The bits of the holders of such copies. */
    static long written(Region region, int interval) {
        long found = 0;
        for (long rest = region.wrote(interval) & region.coherent(interval); rest != 0; rest &= rest - 1) {
            if (region.holder(interval, rest).copy() != null) found |= Long.lowestOneBit(rest);
        }
        return found;
    }

    /** The bits of the devices that snoop, have no copy, and have written what is not in memory yet. */
    static long writtenThroughCaches(Region region, int interval) {
        return region.wrote(interval) & region.coherent(interval) & ~written(region, interval);
    }

    /**
     * Somebody reads or writes the harm's range in the buffer.
     *
     * @param except whose copy is left out, or null
     * @return whether a copy holds newer bytes of what is read; the harm has them then
     */
    static boolean bufferAccess(Walk walk, @Nullable Holder except, boolean write, Harm harm) {
        if (!areWritten(walk.region(), walk.interval())) return false;
        forEach(walk, except, (copy, file, offset, bytes, line) -> copy.bufferAccess(file, offset, bytes, line, write,
                harm));
        return harm.isInside();
    }

    /** The caches are about to drop the interval's lines. */
    static void dropping(Walk walk) {
        forEach(walk, null, (copy, file, offset, bytes, _) -> copy.dropping(file, offset, bytes));
    }

    /** They have, and hold what memory does. */
    static void dropped(Walk walk) {
        forEach(walk, null, (copy, file, offset, bytes, _) -> copy.dropped(file, offset, bytes));
    }

    /** Takes a copy and some lines that it may stand for. */
    @FunctionalInterface
    private interface Taker {
        void take(DeviceCopy copy, FileMapping file, long offset, long bytes, int firstLine);
    }

    private static void forEach(Walk walk, @Nullable Holder except, Taker taker) {
        Region region = walk.region();
        for (long rest = written(region, walk.interval()); rest != 0; rest &= rest - 1) {
            Holder holder = region.holder(walk.interval(), rest);
            DeviceCopy copy = holder.copy();
            if (copy == null || holder.equals(except)) continue;
            walk.lines().forEachStretch(walk.first(), walk.end(),
                    (file, offset, bytes, line) -> taker.take(copy, file, offset, bytes, line));
        }
    }
}
