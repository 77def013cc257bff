package sluice.dmacore.fence;

import java.util.function.LongSupplier;

/**
 * Options of a domain.
 *
 * @param listener receives findings
 * @param guard refuses waits where they would deadlock
 * @param clock monotonic nanoseconds; {@link System#nanoTime} except in tests
 * @param sites whether each fence records its creating code, which costs about a microsecond
 */
public record FenceOptions(FenceListener listener, WaitGuard guard, LongSupplier clock, boolean sites) {
    public static final FenceOptions DEFAULT = new FenceOptions(FenceListener.LOGGED, WaitGuard.NONE, System::nanoTime,
            false);

    public FenceOptions withListener(FenceListener newListener) {
        return new FenceOptions(newListener, guard, clock, sites);
    }

    public FenceOptions withGuard(WaitGuard newGuard) {
        return new FenceOptions(listener, newGuard, clock, sites);
    }

    public FenceOptions withClock(LongSupplier newClock) {
        return new FenceOptions(listener, guard, newClock, sites);
    }

    public FenceOptions withSites(boolean newSites) {
        return new FenceOptions(listener, guard, clock, newSites);
    }
}
