package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A producer that does not keep its promises, to find out who relies on them: begins work as its timeline does, and signals
 * late, out of order, never, too early or with the wrong result. Which fence is struck depends on the seed alone, as long as
 * work is begun by one thread.
 */
public final class FenceFaults {
    /** Does something later. */
    @FunctionalInterface
    public interface Later {
        void run(Duration delay, Runnable what);
    }

    private final FenceFaultProfile profile;
    private final Later later;
    private final Random random;
    private final Map<FenceFault, Long> counts = new EnumMap<>(FenceFault.class);
    /** Those that wait until another one of their timelines is signalled. */
    private final List<FaultySignal> held = new ArrayList<>();

    /** @param later has delayed fences signalled: an event loop, say, or a test that counts the time itself */
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

    /** How many fences were struck by a fault, or by {@link FenceFault#NONE}. */
    public synchronized long count(FenceFault fault) {
        return counts.getOrDefault(fault, 0L);
    }

    /** Signals what waits for another one of its timeline: there may be no other. */
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

    /** One of a timeline was signalled: those it should have come after may follow. */
    void overtaken(long context) {
        List<FaultySignal> follow = new ArrayList<>();
        synchronized (this) {
            held.removeIf(signal -> signal.fence().origin().context() == context && follow.add(signal));
        }
        follow.forEach(FaultySignal::pass);
    }
}
