package sluice.dmacore.finding.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.fence.FenceFinding;
import sluice.dmacore.fence.FenceOptions;
import sluice.dmacore.fence.FenceSignal;
import sluice.dmacore.fence.FenceSlots;
import sluice.dmacore.fence.FenceTimeline;
import sluice.dmacore.fence.LatePolicy;
import sluice.dmacore.fence.Reservation;
import sluice.dmacore.fence.Usage;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;

import static org.assertj.core.api.Assertions.assertThat;

/** What goes wrong with fences is among the findings of buffers. */
@Tag("S34")
@Tag("M17")
class FenceFindingsTest {
    private final AtomicLong clock = new AtomicLong(5000);
    private final Findings findings = new Findings();
    private final List<FenceFinding> others = new ArrayList<>();
    private final FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withClock(clock::get)
            .withListener(new FenceFindings(findings, others::add)));

    @Test
    void lateFencesOfATimelineAreOneFinding() {
        FenceTimeline ring = domain.openTimeline("gpu0 ring 0", Duration.ofNanos(1000));
        FenceSignal first = ring.begin("flush 1");
        FenceSignal second = ring.begin("flush 2");
        clock.addAndGet(2000);
        domain.checkLate(LatePolicy.REPORT);
        assertThat(findings.times(Rule.FENCE_LATE)).isEqualTo(2);
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.buffer()).isEqualTo("gpu0 ring 0");
            assertThat(finding.what()).contains("flush 1");
        });
        first.succeed();
        second.succeed();
        ring.close();
        assertThat(others).isEmpty();
    }

    @Test
    void aFenceThatIsNeverSignalledIsLate() {
        FenceTimeline ring = domain.openTimeline("codec0", Duration.ofSeconds(1));
        assertThat(ring.begin("frame 1").fence().isSignalled()).isFalse();
        ring.close();
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.FENCE_LATE);
            assertThat(finding.what()).contains("never signalled", "ECANCELED");
        });
    }

    @Test
    void workThatDidNotWaitIsNamedWithItsBuffer() throws Exception {
        Reservation buffer = new Reservation(domain, "resource 7");
        FenceTimeline ring = domain.openTimeline("gpu0", Duration.ofSeconds(1));
        FenceSignal drawn = ring.begin("draw");
        try (FenceSlots slots = buffer.reserve(1)) {
            slots.add(drawn.fence(), Usage.WRITE);
        }
        FenceTimeline scanOut = domain.openTimeline("display0", Duration.ofSeconds(1));
        assertThat(buffer.plan("display", false).begin(scanOut.context())).isFalse();
        assertThat(findings.report()).startsWith("FENCE_NOT_WAITED: display reads resource 7 while fence");
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.device()).isEqualTo("display");
            assertThat(finding.buffer()).isEqualTo("resource 7");
        });
        drawn.succeed();
        ring.close();
        scanOut.close();
    }

    @Test
    void whatIsNoRuleOfBuffersGoesToTheOtherListener() {
        FenceTimeline ring = domain.openTimeline("gpu0", Duration.ofSeconds(1));
        FenceSignal first = ring.begin("flush 1");
        ring.begin("flush 2").succeed();
        first.succeed();
        assertThat(others).singleElement().isInstanceOf(FenceFinding.OutOfOrder.class);
        assertThat(findings.all()).isEmpty();
        ring.close();
    }
}
