package sluice.dmacore.buffer;

import java.time.Duration;

import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Flavour;
import sluice.dmacore.trace.TraceSink;

/**
 * Configuration of a core.
 *
 * @param flavour which cache operations a transfer needs
 * @param executor performs the cache operations
 * @param trace receives all events
 * @param lateAttach whether devices may attach after memory was allocated
 * @param moveBound longest time between a move notification and the unmap
 * @param heldLong a pin or mapping that lives longer is reported as a hint when it ends; zero for never
 * @param bounceBytes limit of all bounce buffers together, in bytes
 * @param files mappings of bounce memory
 * @param listCuts seed for cutting segment lists at additional places, or 0 for as few segments as possible
 */
public record DmaCoreOptions(Flavour flavour, CacheExecutor executor, TraceSink trace, LateAttach lateAttach,
        Duration moveBound, Duration heldLong, long bounceBytes, FileMappings files, long listCuts) {

    /** Default size of the kernel's swiotlb. */
    private static final long BOUNCE_BYTES = 64L << 20;

    /**
     * arm64's cache operations, counted and not performed; late attachments are allowed; one second to unmap after a
     * move.
     */
    public static DmaCoreOptions counting() {
        return new DmaCoreOptions(Flavour.ARM64, CacheExecutor.NONE, TraceSink.NONE, LateAttach.IF_IT_FITS,
                Duration.ofSeconds(1), Duration.ZERO, BOUNCE_BYTES, FileMappings.ofProcess(), 0);
    }

    public DmaCoreOptions withFlavour(Flavour next) {
        return new DmaCoreOptions(next, executor, trace, lateAttach, moveBound, heldLong, bounceBytes, files, listCuts);
    }

    public DmaCoreOptions withExecutor(CacheExecutor next) {
        return new DmaCoreOptions(flavour, next, trace, lateAttach, moveBound, heldLong, bounceBytes, files, listCuts);
    }

    public DmaCoreOptions withTrace(TraceSink next) {
        return new DmaCoreOptions(flavour, executor, next, lateAttach, moveBound, heldLong, bounceBytes, files,
                listCuts);
    }

    public DmaCoreOptions withLateAttach(LateAttach next) {
        return new DmaCoreOptions(flavour, executor, trace, next, moveBound, heldLong, bounceBytes, files, listCuts);
    }

    public DmaCoreOptions withMoveBound(Duration next) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, next, heldLong, bounceBytes, files, listCuts);
    }

    public DmaCoreOptions withHeldLong(Duration next) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, moveBound, next, bounceBytes, files, listCuts);
    }

    public DmaCoreOptions withBounceBytes(long next) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, moveBound, heldLong, next, files, listCuts);
    }

    public DmaCoreOptions withFiles(FileMappings next) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, moveBound, heldLong, bounceBytes, next,
                listCuts);
    }

    /**
     * Cuts the list of each mapping at random pages, beyond the limits of its device: a driver that expects one entry,
     * one entry per page or the same list as last time then programs its device wrongly (row S36).
     *
     * @param seed not 0; the same seed gives the same lists
     */
    public DmaCoreOptions withListCuts(long seed) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, moveBound, heldLong, bounceBytes, files, seed);
    }
}
