package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A faulty producer for tests of fence users: signals late, out of order, never, too early or with the wrong result.
 * The faults depend only on the seed, as long as one thread begins the work.
 */
public final class FenceFaults {
    /** Schedules a task. */
    @FunctionalInterface
    public interface Later {
        void run(Duration delay, Runnable what);
    }

    private final FenceFaultProfile profile;
    private final Later later;
    private final Random random;
    private final Map<FenceFault, Long> counts = new EnumMap<>(FenceFault.class);
    /** Fences that wait until another one of their timeline is signalled. */
    private final List<FaultySignal> held = new ArrayList<>();

    /** @param later signals delayed fences: an event loop, or a test with its own clock */
    public FenceFaults(FenceFaultProfile profile, Later later) {
        this.profile = profile;
        this.later = later;
        random = new Random(profile.seed());
    }

    /** As {@link FenceTimeline#begin(String)}. */
    public FenceSignal begin(FenceTimeline timeline, String label) {
        return begin(timeline, label, FenceDemand.NONE);
    }

    /** As {@link FenceTimeline#begin(String, FenceDemand)}. */
    public FenceSignal begin(FenceTimeline timeline, String label, FenceDemand demand) {
        FenceSignal kept = timeline.begin(label, demand);
        FenceFault fault;
        synchronized (this) {
            fault = profile.pick(random.nextInt(1000));
            counts.merge(fault, 1L, Long::sum);
        }
        if (fault == FenceFault.EARLY) kept.succeed();
        return new FaultySignal(this, kept, fault);
    }

    /** Number of fences with a given fault, or with {@link FenceFault#NONE}. */
    public synchronized long count(FenceFault fault) {
        return counts.getOrDefault(fault, 0L);
    }

    /** Signals the fences that wait for another one of their timeline. */
    public void flush() {
        List<FaultySignal> all;
        synchronized (this) {
            all = List.copyOf(held);
            held.clear();
        }
        all.forEach(FaultySignal::pass);
    }

    synchronized void hold(FaultySignal signal) {
        held.add(signal);
    }

    void delay(Runnable what) {
        later.run(profile.delay(), what);
    }

    /** A fence of a timeline was signalled: the reordered ones before it may follow. */
    void overtaken(long context) {
        List<FaultySignal> follow = new ArrayList<>();
        synchronized (this) {
            held.removeIf(signal -> signal.fence().origin().context() == context && follow.add(signal));
        }
        follow.forEach(FaultySignal::pass);
    }
}
