package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;

/**
 * Notifies the bounce buffers of an interval's lines about accesses and cache operations. The lines' group is locked.
 */
final class Copies {
    private Copies() {}

    /** Whether a bounce buffer has device writes that were not copied back. */
    static boolean areWritten(Region region, int interval) {
        return written(region, interval) != 0;
    }

    /** The bits of the holders of such bounce buffers. */
    static long written(Region region, int interval) {
        long found = 0;
        for (long rest = region.wrote(interval) & region.coherent(interval); rest != 0; rest &= rest - 1) {
            if (region.holder(interval, rest).copy() != null) found |= Long.lowestOneBit(rest);
        }
        return found;
    }

    /** The bits of snooping devices without a bounce buffer that have written bytes not yet in memory. */
    static long writtenThroughCaches(Region region, int interval) {
        return region.wrote(interval) & region.coherent(interval) & ~written(region, interval);
    }

    /**
     * The harm's range in the buffer is read or written.
     *
     * @param except holder whose bounce buffer is skipped, or null
     * @return whether a bounce buffer has newer bytes; the harm contains them then
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

    /** The caches have dropped the lines, and are equal to memory. */
    static void dropped(Walk walk) {
        forEach(walk, null, (copy, file, offset, bytes, _) -> copy.dropped(file, offset, bytes));
    }

    /** Receives a bounce buffer and some of its lines. */
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
