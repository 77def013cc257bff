package sluice.dmacore.fence;

import java.util.function.LongSupplier;

/**
 * What fences of one domain have in common.
 *
 * @param listener takes findings
 * @param guard knows where not to wait
 * @param clock nanoseconds, from wherever, never backwards; {@link System#nanoTime} but in tests
 * @param sites whether each fence remembers the code that made it, which costs about a microsecond
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
