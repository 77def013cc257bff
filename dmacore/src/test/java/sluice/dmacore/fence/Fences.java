package sluice.dmacore.fence;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** A domain with a clock that is set by hand, and what was found in it. */
final class Fences {
    static final Duration BOUND = Duration.ofNanos(1000);

    final AtomicLong clock = new AtomicLong(5000);
    final List<FenceFinding> findings = new CopyOnWriteArrayList<>();
    final FenceDomain domain = new FenceDomain(
            FenceOptions.DEFAULT.withListener(findings::add).withClock(clock::get));

    FenceTimeline timeline(String name) {
        return domain.openTimeline(name, BOUND);
    }
}
