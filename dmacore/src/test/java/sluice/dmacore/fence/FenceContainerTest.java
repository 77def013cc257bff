package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Fences that consist of others. */
@Tag("S34")
class FenceContainerTest {
    private final Fences fences = new Fences();
    private final FenceTimeline gpu = fences.timeline("gpu0");
    private final FenceTimeline codec = fences.timeline("codec0");
    private final FenceSignal drawn = gpu.begin("flush 1");
    private final FenceSignal decoded = codec.begin("frame 1");
    private final List<Fence> called = new ArrayList<>();

    private Fence all() {
        return fences.domain.allOf("both", List.of(drawn.fence(), decoded.fence()));
    }

    private Fence any() {
        return fences.domain.anyOf("either", List.of(drawn.fence(), decoded.fence()));
    }

    @Test
    void allIsSignalledWithTheLast() {
        Fence all = all();
        all.onSignal(called::add);
        decoded.succeed();
        assertThat(all.isSignalled()).isFalse();
        assertThat(called).isEmpty();
        fences.clock.addAndGet(50);
        drawn.succeed();
        assertThat(called).containsExactly(all);
        assertThat(all.isSignalled()).isTrue();
        assertThat(all.signalledAt()).isEqualTo(5050);
        assertThat(all.members()).containsExactly(drawn.fence(), decoded.fence());
        assertThat(all.isContainer()).isTrue();
        assertThat(all.isAnyOf()).isFalse();
    }

    @Test
    void allFailsWithTheFirstInTheList() {
        Fence all = all();
        decoded.fail(Errno.ENODEV);
        assertThat(all.isSignalled()).isFalse();
        drawn.fail(Errno.EIO);
        assertThat(all.error()).isEqualTo(Errno.EIO);
        Fence later = fences.domain.allOf("later", List.of(gpu.begin("flush 2").fence(), decoded.fence()));
        assertThat(later.error()).as("pending").isZero();
        gpu.close();
        assertThat(later.error()).isEqualTo(Errno.ECANCELED);
    }

    @Test
    void anyIsSignalledWithTheFirst() {
        Fence any = any();
        any.onSignal(called::add);
        assertThat(any.isSignalled()).isFalse();
        decoded.fail(Errno.EIO);
        assertThat(called).containsExactly(any);
        fences.clock.addAndGet(50);
        drawn.succeed();
        assertThat(called).hasSize(1);
        assertThat(any.error()).isEqualTo(Errno.EIO);
        assertThat(any.signalledAt()).isEqualTo(5000);
        assertThat(any.isAnyOf()).isTrue();
    }

    @Test
    void anyKnowsWhichWasFirstWithoutHavingWaited() {
        Fence any = any();
        decoded.succeed();
        fences.clock.addAndGet(1);
        drawn.fail(Errno.EIO);
        assertThat(any.error()).isZero();
        assertThat(any.isSignalled()).isTrue();
        assertThat(any.signalledAt()).isEqualTo(5000);
    }

    @Test
    void anyLetsGoOfThoseThatMayNeverBeSignalled() {
        for (int i = 0; i < 3; i++) any().onSignal(called::add);
        assertThat(drawn.fence().callbacks()).isEqualTo(3);
        decoded.succeed();
        assertThat(called).hasSize(3);
        assertThat(drawn.fence().callbacks()).isZero();
        any().onSignal(called::add);
        assertThat(drawn.fence().callbacks()).isZero();
    }

    /** A sync file's status was stuck in the kernel until a wait, because signalling of the members was not enabled. */
    @Test
    @Tag("M17")
    void theStatusIsKnownThoughNobodyWaits() {
        Fence all = all();
        Fence any = any();
        assertThat(all.isSignalled()).isFalse();
        decoded.succeed();
        assertThat(any.isSignalled()).isTrue();
        drawn.succeed();
        assertThat(all.isSignalled()).isTrue();
        assertThat(decoded.fence().isWanted()).as("a look is no demand").isFalse();
        assertThat(drawn.fence().isWanted()).isFalse();
    }

    @Test
    void aDemandReachesTheMembers() throws Exception {
        Fence all = all();
        assertThat(all.await(Duration.ofNanos(1))).isFalse();
        assertThat(drawn.fence().isWanted()).isTrue();
        assertThat(decoded.fence().isWanted()).isTrue();
        all.hintDeadline(77);
        assertThat(drawn.fence().deadline()).hasValue(77);
        assertThat(decoded.fence().deadline()).hasValue(77);
        drawn.succeed();
        decoded.succeed();
        assertThat(all.await(Duration.ofSeconds(1))).isTrue();
    }

    @Test
    void isDueWithTheLastOfAllAndTheFirstOfAny() {
        fences.clock.addAndGet(30);
        Fence later = codec.begin("frame 2").fence();
        List<Fence> both = List.of(later, drawn.fence());
        assertThat(fences.domain.allOf("both", both).origin().due()).isEqualTo(6030);
        assertThat(fences.domain.anyOf("either", both).origin().due()).isEqualTo(6000);
        assertThat(fences.domain.allOf("both", both.reversed()).origin().due()).isEqualTo(6030);
        assertThat(fences.domain.anyOf("either", both.reversed()).origin().due()).isEqualTo(6000);
    }

    @Test
    void containersDoNotNest() {
        Fence all = all();
        assertThatThrownBy(() -> fences.domain.allOf("nested", List.of(all)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("merge");
        assertThatThrownBy(() -> fences.domain.anyOf("nested", List.of(all)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> fences.domain.allOf("nothing", List.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void mergingKeepsTheLatestOfEachTimeline() throws Exception {
        Fence second = gpu.begin("flush 2").fence();
        Fence merged = fences.domain.merge("merged", List.of(second, all(), drawn.fence()));
        assertThat(merged.members()).containsExactly(second, decoded.fence());
        assertThat(fences.domain.merge("one", List.of(drawn.fence(), second))).isSameAs(second);
    }

    @Test
    void mergingLeavesOutWhatSucceededAndKeepsWhatFailed() throws Exception {
        drawn.succeed();
        assertThat(fences.domain.merge("one", List.of(all()))).isSameAs(decoded.fence());
        fences.clock.addAndGet(9);
        decoded.succeed();
        Fence nothing = fences.domain.merge("nothing", List.of(all()));
        assertThat(nothing.isSignalled()).isTrue();
        assertThat(nothing.signalledAt()).isEqualTo(5009);
        fences.clock.addAndGet(9);
        assertThat(fences.domain.merge("nothing", List.of()).signalledAt()).isEqualTo(5018);
        FenceSignal failed = codec.begin("frame 2");
        failed.fail(Errno.EIO);
        FenceSignal pending = codec.begin("frame 3");
        Fence merged = fences.domain.merge("merged", List.of(drawn.fence(), failed.fence(), pending.fence()));
        assertThat(merged.isSignalled()).isFalse();
        pending.succeed();
        assertThat(merged.error()).isEqualTo(Errno.EIO);
    }

    @Test
    void mergingRefusesAnyOf() {
        assertThatThrownBy(() -> fences.domain.merge("merged", List.of(any())))
                .isInstanceOfSatisfying(FenceRefusedException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL))
                .hasMessageContaining("any of 2");
    }
}
