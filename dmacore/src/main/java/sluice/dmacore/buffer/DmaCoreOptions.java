package sluice.dmacore.buffer;

import java.time.Duration;

import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Flavour;
import sluice.dmacore.trace.TraceSink;

/**
 * How a core works.
 *
 * @param flavour which cache operations a transfer needs
 * @param executor performs them
 * @param trace is told of everything
 * @param lateAttach who may attach when memory was chosen
 * @param moveBound how long after a move notification a mapping may live
 * @param heldLong a pin or mapping that lives longer is worth a hint when it ends; zero for never
 * @param bounceBytes the most memory that bounced mappings may use together
 * @param files where bounce memory is mapped
 * @param listCuts seed of where the lists of mappings are cut beyond need, or 0 to cut them as seldom as can be
 */
public record DmaCoreOptions(Flavour flavour, CacheExecutor executor, TraceSink trace, LateAttach lateAttach,
        Duration moveBound, Duration heldLong, long bounceBytes, FileMappings files, long listCuts) {

    /** What the kernel's swiotlb has by default. */
    private static final long BOUNCE_BYTES = 64L << 20;

    /** arm64's operations, counted and not performed; any device that fits may attach late; a second to unmap. */
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
     * Cuts the list of each mapping anew, at pages that nobody can foresee, as no limit of its device asks for: a driver that takes a
     * list for one entry, or each entry for a page or for what it was the last time, programs its device wrong (row S36).
     *
     * @param seed not 0; the same lists each time
     */
    public DmaCoreOptions withListCuts(long seed) {
        return new DmaCoreOptions(flavour, executor, trace, lateAttach, moveBound, heldLong, bounceBytes, files, seed);
    }
}
