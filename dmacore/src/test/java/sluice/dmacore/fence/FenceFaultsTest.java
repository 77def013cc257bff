package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A producer that does not keep its promises, and who notices. */
@Tag("M17")
class FenceFaultsTest {
    private static final long SEED = 20261125;

    private final Fences fences = new Fences();
    private final FenceTimeline timeline = fences.timeline("gpu0");
    private final List<Runnable> later = new ArrayList<>();

    private FenceFaults faults(FenceFaultProfile profile) {
        return new FenceFaults(profile, (delay, what) -> {
            assertThat(delay).isEqualTo(profile.delay());
            later.add(what);
        });
    }

    private static FenceFaultProfile none() {
        return FenceFaultProfile.none(SEED);
    }

    @Test
    void withoutFaultsSignalsAreKept() {
        FenceFaults faults = faults(none());
        FenceSignal one = faults.begin(timeline, "one");
        FenceSignal two = faults.begin(timeline, "two");
        assertThat(one.fence().isSignalled()).isFalse();
        assertThat(one.succeed()).isTrue();
        assertThat(one.succeed()).isFalse();
        assertThat(one.fail(Errno.EIO)).isFalse();
        assertThatThrownBy(() -> two.fail(0)).isInstanceOf(IllegalArgumentException.class);
        assertThat(two.fail(Errno.EIO)).isTrue();
        assertThat(one.fence().error()).isZero();
        assertThat(two.fence().error()).isEqualTo(Errno.EIO);
        assertThat(faults.count(FenceFault.NONE)).isEqualTo(2);
        assertThat(fences.findings).isEmpty();
    }

    @Test
    void aDelayedFenceIsReportedWhenItIsLate() {
        FenceFaults faults = faults(none().withDelayed(1000, Duration.ofSeconds(3)));
        FenceSignal signal = faults.begin(timeline, "draw");
        assertThat(signal.fail(Errno.EIO)).isTrue();
        assertThat(signal.fence().isSignalled()).isFalse();
        fences.clock.addAndGet(Fences.BOUND.toNanos());
        fences.domain.checkLate(LatePolicy.REPORT);
        assertThat(fences.findings).containsExactly(new FenceFinding.Late(signal.fence(), 1000));
        later.forEach(Runnable::run);
        assertThat(signal.fence().error()).isEqualTo(Errno.EIO);
    }

    @Test
    void aFenceThatIsNeverSignalledIsReportedAtTheLatestWhenTheTimelineIsClosed() {
        FenceFaults faults = faults(none().withNever(1000));
        FenceSignal signal = faults.begin(timeline, "draw");
        assertThat(signal.succeed()).isTrue();
        assertThat(signal.succeed()).isFalse();
        assertThat(signal.fence().isSignalled()).isFalse();
        timeline.close();
        assertThat(fences.findings).containsExactly(new FenceFinding.NeverSignalled(signal.fence()));
    }

    @Test
    void anEarlyFenceLetsTheImporterInBeforeTheWorkIsDone() throws Exception {
        FenceFaults faults = faults(none().withEarly(1000));
        FenceSignal signal = faults.begin(timeline, "draw");
        assertThat(signal.fence().await(Duration.ZERO)).isTrue();
        assertThat(signal.fail(Errno.EIO)).as("the producer is told that all is well").isTrue();
        assertThat(signal.fence().error()).isZero();
        assertThat(fences.findings).isEmpty();
    }

    @Test
    void resultsAreSwapped() {
        FenceFaults faults = faults(none().withWrongResult(1000));
        FenceSignal done = faults.begin(timeline, "done");
        FenceSignal failed = faults.begin(timeline, "failed");
        assertThat(done.succeed()).isTrue();
        assertThat(failed.fail(Errno.ENODEV)).isTrue();
        assertThat(done.fence().error()).isEqualTo(Errno.EIO);
        assertThat(failed.fence().error()).isZero();
        assertThat(failed.fence().isSignalled()).isTrue();
    }

    @Test
    void aFenceThatIsOvertakenIsReported() {
        FenceFaults faults = faults(none().withReordered(500));
        FenceFaultProfile profile = none().withReordered(500);
        assertThat(profile.pick(499)).isEqualTo(FenceFault.REORDERED);
        FenceTimeline other = fences.timeline("codec0");
        FenceSignal held = beginUntil(faults, timeline, FenceFault.REORDERED);
        held.succeed();
        assertThat(held.fence().isSignalled()).isFalse();
        beginUntil(faults, other, FenceFault.NONE).succeed();
        assertThat(held.fence().isSignalled()).isFalse();
        FenceSignal overtakes = beginUntil(faults, timeline, FenceFault.NONE);
        fences.findings.clear();
        overtakes.succeed();
        assertThat(overtakes.fence().isSignalled()).isTrue();
        assertThat(held.fence().isSignalled()).as("it follows").isTrue();
        assertThat(fences.findings).filteredOn(FenceFinding.OutOfOrder.class::isInstance).isNotEmpty();
        FenceSignal last = beginUntil(faults, timeline, FenceFault.REORDERED);
        last.fail(Errno.EIO);
        faults.flush();
        assertThat(last.fence().error()).isEqualTo(Errno.EIO);
    }

    /** Begins work until the fault strikes; what is begun before is done. */
    private FenceSignal beginUntil(FenceFaults faults, FenceTimeline on, FenceFault fault) {
        for (int i = 0; i < 100; i++) {
            long before = faults.count(fault);
            FenceSignal signal = faults.begin(on, "work " + i);
            if (faults.count(fault) > before) return signal;
        }
        throw new AssertionError("seed %d: no %s in 100 fences".formatted(SEED, fault));
    }

    @Test
    void theSameSeedGivesTheSameFaultsInTheirShares() {
        FenceFaultProfile profile = none().withDelayed(100, Duration.ofMillis(1)).withReordered(200).withNever(50)
                .withEarly(150).withWrongResult(250);
        List<Boolean> early = new ArrayList<>();
        Map<FenceFault, Long> counts = new EnumMap<>(FenceFault.class);
        for (int round = 0; round < 2; round++) {
            FenceFaults faults = faults(profile);
            for (int i = 0; i < 4000; i++) {
                boolean signalled = faults.begin(timeline, "work").fence().isSignalled();
                if (round == 0) early.add(signalled);
                else assertThat(signalled).as("seed %d, fence %d", SEED, i).isEqualTo(early.get(i));
            }
            for (FenceFault fault : FenceFault.values()) {
                if (round == 0) counts.put(fault, faults.count(fault));
                assertThat(faults.count(fault)).as("seed %d: %s", SEED, fault).isEqualTo(counts.get(fault))
                        .isBetween(120L, 1200L);
            }
        }
    }

    @Test
    void sharesAreOfAThousand() {
        assertThatThrownBy(() -> none().withNever(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> none().withNever(600).withEarly(401)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1001");
        assertThatThrownBy(() -> none().withDelayed(1, Duration.ofNanos(-1)))
                .isInstanceOf(IllegalArgumentException.class);
        FenceFaultProfile profile = none().withDelayed(1, Duration.ZERO).withReordered(2).withNever(3).withEarly(4)
                .withWrongResult(5);
        Map<FenceFault, Integer> counts = new EnumMap<>(FenceFault.class);
        for (int i = 0; i < 1000; i++) counts.merge(profile.pick(i), 1, Integer::sum);
        assertThat(counts).isEqualTo(Map.of(FenceFault.DELAYED, 1, FenceFault.REORDERED, 2, FenceFault.NEVER, 3,
                FenceFault.EARLY, 4, FenceFault.WRONG_RESULT, 5, FenceFault.NONE, 985));
    }
}
