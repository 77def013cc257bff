package sluice.dmacore.fence;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Fences in their order, their bounds, and what becomes of those that are never signalled. */
@Tag("S34")
@Tag("M17")
class FenceTimelineTest {
    private final Fences fences = new Fences();
    private final FenceTimeline timeline = fences.timeline("gpu0");

    @Test
    void numbersItsFences() {
        FenceOrigin first = timeline.begin("flush 1").fence().origin();
        fences.clock.addAndGet(3);
        FenceOrigin second = timeline.begin("flush 2").fence().origin();
        long context = timeline.context();
        assertThat(first).isEqualTo(new FenceOrigin(context, 1, "gpu0", "flush 1", 5000, 6000, null));
        assertThat(second).isEqualTo(new FenceOrigin(context, 2, "gpu0", "flush 2", 5003, 6003, null));
        assertThat(fences.timeline("gpu0").context()).isNotEqualTo(context);
        assertThat(timeline.pending()).isEqualTo(2);
    }

    @Test
    void hasABound() {
        assertThatThrownBy(() -> fences.domain.openTimeline("gpu0", Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> fences.domain.openTimeline("gpu0", Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> fences.domain.openTimeline("gpu0", Duration.ofHours(1).plusNanos(1)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("PT1H");
        assertThat(fences.domain.openTimeline("gpu0", Duration.ofHours(1)).pending()).isZero();
    }

    @Test
    void failsInOrderWhatIsPendingWhenItIsClosed() {
        Fence[] all = new Fence[3];
        StringBuilder order = new StringBuilder();
        for (int i = 0; i < all.length; i++) {
            FenceSignal signal = timeline.begin("flush " + i);
            all[i] = signal.fence();
            if (i == 1) signal.succeed();
            all[i].onSignal(fence -> order.append(fence.origin().label()).append(", "));
        }
        fences.findings.clear();
        timeline.close();
        assertThat(order).hasToString("flush 1, flush 0, flush 2, ");
        assertThat(all[0].error()).isEqualTo(Errno.ECANCELED);
        assertThat(all[1].error()).isZero();
        assertThat(all[2].error()).isEqualTo(Errno.ECANCELED);
        assertThat(fences.findings).containsExactly(new FenceFinding.NeverSignalled(all[0]),
                new FenceFinding.NeverSignalled(all[2]));
        assertThat(fences.findings.getFirst().sentence()).contains("'flush 0'", "never signalled", "ECANCELED");
        assertThat(timeline.pending()).isZero();
        timeline.close();
        assertThat(fences.findings).hasSize(2);
        assertThatThrownBy(() -> timeline.begin("flush 3")).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("'flush 3'");
    }

    @Test
    void reportsAFenceThatOvertakes() {
        FenceSignal first = timeline.begin("flush 1");
        FenceSignal second = timeline.begin("flush 2");
        FenceSignal third = timeline.begin("flush 3");
        second.succeed();
        assertThat(fences.findings).containsExactly(new FenceFinding.OutOfOrder(second.fence(), first.fence()));
        assertThat(fences.findings.getFirst().sentence()).contains("'flush 2'", "before 'flush 1'");
        first.succeed();
        third.succeed();
        assertThat(fences.findings).hasSize(1);
        assertThat(timeline.pending()).isZero();
    }

    @Test
    void reportsEachLateFenceOnce() {
        FenceDomain domain = fences.domain;
        assertThat(domain.checkLate(LatePolicy.REPORT)).isEqualTo(Long.MAX_VALUE);
        FenceSignal first = timeline.begin("flush 1");
        FenceSignal done = timeline.begin("flush 2");
        fences.clock.addAndGet(400);
        FenceSignal second = fences.timeline("codec0").begin("frame 1");
        FenceSignal third = timeline.begin("flush 3");
        assertThat(domain.checkLate(LatePolicy.REPORT)).isEqualTo(600);
        done.succeed();
        fences.findings.clear();
        fences.clock.addAndGet(599);
        assertThat(domain.checkLate(LatePolicy.REPORT)).isEqualTo(1);
        assertThat(fences.findings).isEmpty();
        fences.clock.addAndGet(1);
        assertThat(domain.checkLate(LatePolicy.REPORT)).isEqualTo(400);
        assertThat(fences.findings).containsExactly(new FenceFinding.Late(first.fence(), 1000));
        assertThat(fences.findings.getFirst().sentence()).contains("'flush 1'", "is not signalled");
        fences.clock.addAndGet(500);
        assertThat(domain.checkLate(LatePolicy.REPORT)).isEqualTo(Long.MAX_VALUE);
        assertThat(fences.findings).containsExactly(new FenceFinding.Late(first.fence(), 1000),
                new FenceFinding.Late(third.fence(), 1100), new FenceFinding.Late(second.fence(), 1100));
        assertThat(first.succeed()).as("a late fence may still be signalled").isTrue();
        assertThat(first.fence().error()).isZero();
    }

    @Test
    void failsLateFencesIfTold() {
        FenceSignal signal = timeline.begin("flush 1");
        fences.clock.addAndGet(1000);
        assertThat(fences.domain.checkLate(LatePolicy.FAIL)).isEqualTo(Long.MAX_VALUE);
        assertThat(signal.fence().error()).isEqualTo(Errno.ETIMEDOUT);
        assertThat(fences.findings).containsExactly(new FenceFinding.Late(signal.fence(), 1000));
        assertThat(signal.succeed()).isFalse();
        assertThat(timeline.pending()).isZero();
    }

    @Test
    void aClosedTimelineIsNotLookedAt() {
        timeline.begin("flush 1");
        timeline.close();
        fences.clock.addAndGet(2000);
        fences.findings.clear();
        assertThat(fences.domain.checkLate(LatePolicy.REPORT)).isEqualTo(Long.MAX_VALUE);
        assertThat(fences.findings).isEmpty();
    }

    @Test
    void theWatchWakesForWhatIsDueFirst() throws Exception {
        BlockingQueue<FenceFinding> findings = new LinkedBlockingQueue<>();
        FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withListener(findings::add));
        try (FenceWatch watch = domain.watch(LatePolicy.FAIL);
                FenceTimeline slow = domain.openTimeline("slow", Duration.ofMinutes(30));
                FenceTimeline fast = domain.openTimeline("fast", Duration.ofMillis(1))) {
            assertThat(watch).isNotNull();
            assertThatThrownBy(() -> domain.watch(LatePolicy.REPORT)).isInstanceOf(IllegalStateException.class);
            FenceSignal keepsItAsleep = slow.begin("slow work");
            for (int round = 0; round < 20; round++) {
                Fence fence = fast.begin("fast work " + round).fence();
                assertThat(fence.await(Duration.ofSeconds(10))).isTrue();
                assertThat(fence.error()).isEqualTo(Errno.ETIMEDOUT);
                FenceFinding finding = findings.poll(10, TimeUnit.SECONDS);
                assertThat(finding).isInstanceOfSatisfying(FenceFinding.Late.class, late -> {
                    assertThat(late.fence()).isSameAs(fence);
                    assertThat(late.waited()).isGreaterThanOrEqualTo(1_000_000);
                    assertThat(late.sentence()).containsPattern("after [1-9]\\d* ms; its bound is 1 ms");
                });
            }
            keepsItAsleep.succeed();
        }
        assertThat(findings).isEmpty();
        try (FenceWatch another = domain.watch(LatePolicy.REPORT)) {
            assertThat(another).as("one after the other").isNotNull();
        }
    }

    @Test
    void theWatchSleepsUntilSomethingIsDue() throws Exception {
        AtomicLong looks = new AtomicLong();
        FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withListener(_ -> {}).withClock(() -> {
            looks.incrementAndGet();
            return System.nanoTime();
        }));
        try (FenceWatch _ = domain.watch(LatePolicy.FAIL);
                FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMillis(50))) {
            assertThat(timeline.begin("draw").fence().await(Duration.ofSeconds(10))).isTrue();
        }
        assertThat(looks.get()).isLessThan(1000);
    }

    @Test
    void theWatchOutlivesAListenerThatFails() throws Exception {
        BlockingQueue<FenceFinding> findings = new LinkedBlockingQueue<>();
        FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withListener(finding -> {
            findings.add(finding);
            if (findings.size() == 1) throw new IllegalStateException("this listener fails once, as the test wants");
        }));
        try (FenceWatch _ = domain.watch(LatePolicy.FAIL);
                FenceTimeline fast = domain.openTimeline("fast", Duration.ofMillis(1))) {
            Fence first = fast.begin("first").fence();
            assertThat(first.await(Duration.ofSeconds(10))).isTrue();
            Fence second = fast.begin("second").fence();
            assertThat(second.await(Duration.ofSeconds(10))).isTrue();
        }
    }
}
