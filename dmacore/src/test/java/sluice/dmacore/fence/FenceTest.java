package sluice.dmacore.fence;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** One fence and its waiters. */
@Tag("S34")
class FenceTest {
    private final Fences fences = new Fences();
    private final FenceTimeline timeline = fences.timeline("gpu0");
    private final List<String> called = new ArrayList<>();

    private FenceCallback note(String what) {
        return fence -> called.add(what + " " + fence.error());
    }

    @Test
    void isSignalledOnce() {
        FenceSignal signal = timeline.begin("flush 1");
        Fence fence = signal.fence();
        assertThat(fence.isSignalled()).isFalse();
        assertThat(fence.error()).isZero();
        assertThatThrownBy(fence::signalledAt).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("'flush 1' (gpu0, ");
        fences.clock.addAndGet(7);
        assertThat(signal.succeed()).isTrue();
        fences.clock.addAndGet(7);
        assertThat(signal.succeed()).isFalse();
        assertThat(signal.fail(Errno.EIO)).isFalse();
        assertThat(fence.isSignalled()).isTrue();
        assertThat(fence.error()).isZero();
        assertThat(fence.signalledAt()).isEqualTo(5007);
        assertThat(fences.findings).isEmpty();
    }

    @Test
    void mayFail() {
        FenceSignal signal = timeline.begin("flush 1");
        assertThat(signal.fail(Errno.EIO)).isTrue();
        assertThat(signal.succeed()).isFalse();
        assertThat(signal.fence().isSignalled()).isTrue();
        assertThat(signal.fence().error()).isEqualTo(Errno.EIO);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, -5, 4096 })
    void failsWithAnErrorNumberOnly(int errno) {
        FenceSignal signal = timeline.begin("flush 1");
        assertThatThrownBy(() -> signal.fail(errno)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 to 4095");
        assertThat(signal.fence().isSignalled()).isFalse();
        assertThat(timeline.begin("flush 2").fail(4095)).isTrue();
    }

    @Test
    void callsEachCallbackOnceAndInOrder() {
        FenceSignal signal = timeline.begin("flush 1");
        Fence fence = signal.fence();
        Subscription first = fence.onSignal(note("first"));
        Subscription second = fence.onSignal(note("second"));
        Subscription third = fence.onSignal(note("third"));
        fence.onSignal(note("fourth"));
        assertThat(second.remove()).isTrue();
        assertThat(second.remove()).isFalse();
        assertThat(first.remove()).isTrue();
        signal.fail(Errno.EIO);
        signal.succeed();
        assertThat(called).containsExactly("third 5", "fourth 5");
        assertThat(third.remove()).isFalse();
        Subscription after = fence.onSignal(note("after"));
        assertThat(called).containsExactly("third 5", "fourth 5", "after 5");
        assertThat(after.remove()).isFalse();
    }

    @Test
    void removesTheLastAndTheOnlyCallback() {
        FenceSignal signal = timeline.begin("flush 1");
        Fence fence = signal.fence();
        assertThat(fence.onSignal(note("only")).remove()).isTrue();
        fence.onSignal(note("kept"));
        assertThat(fence.onSignal(note("last")).remove()).isTrue();
        fence.onSignal(note("new last"));
        signal.succeed();
        assertThat(called).containsExactly("kept 0", "new last 0");
    }

    @Test
    void aCallbackMayAddAnotherOne() {
        FenceSignal signal = timeline.begin("flush 1");
        signal.fence().onSignal(fence -> fence.onSignal(note("inner")));
        signal.succeed();
        assertThat(called).containsExactly("inner 0");
    }

    @Test
    void aCallbackThatFailsIsReportedAndHindersNobody() {
        FenceSignal signal = timeline.begin("flush 1");
        RuntimeException failure = new IllegalStateException("no more room");
        signal.fence().onSignal(_ -> {
            throw failure;
        });
        signal.fence().onSignal(note("next"));
        assertThat(signal.succeed()).isTrue();
        assertThat(called).containsExactly("next 0");
        assertThat(fences.findings).containsExactly(new FenceFinding.CallbackFailed(signal.fence(), failure));
        assertThat(fences.findings.getFirst().sentence()).contains("'flush 1'", "no more room");
    }

    /** Counts what is asked of the work. */
    private static final class Demanded implements FenceDemand {
        int wanted;
        final List<Long> deadlines = new ArrayList<>();

        @Override
        public void wanted(Fence fence) {
            wanted++;
        }

        @Override
        public void deadline(Fence fence, long nanos) {
            deadlines.add(nanos);
        }
    }

    @Test
    @Tag("M17")
    void aLookIsNoDemand() throws Exception {
        Demanded demanded = new Demanded();
        Fence fence = timeline.begin("flush 1", demanded).fence();
        assertThat(fence.isSignalled()).isFalse();
        assertThat(fence.error()).isZero();
        assertThat(fence.await(Duration.ZERO)).isFalse();
        assertThat(demanded.wanted).isZero();
        assertThat(fence.isWanted()).isFalse();
        fence.onSignal(note("first"));
        assertThat(fence.isWanted()).isTrue();
        fence.onSignal(note("second"));
        assertThat(fence.await(Duration.ofNanos(1))).isFalse();
        assertThat(demanded.wanted).isEqualTo(1);
    }

    @Test
    void waitingIsADemand() throws Exception {
        Demanded demanded = new Demanded();
        Fence fence = timeline.begin("flush 1", demanded).fence();
        assertThat(fence.await(Duration.ofNanos(1))).isFalse();
        assertThat(demanded.wanted).isEqualTo(1);
    }

    @Test
    void tellsDeadlinesThatAreEarlier() {
        Demanded demanded = new Demanded();
        FenceSignal signal = timeline.begin("flush 1", demanded);
        Fence fence = signal.fence();
        assertThat(fence.deadline()).isEmpty();
        fence.hintDeadline(300);
        fence.hintDeadline(300);
        fence.hintDeadline(400);
        fence.hintDeadline(200);
        assertThat(fence.deadline()).hasValue(200);
        signal.succeed();
        fence.hintDeadline(100);
        assertThat(demanded.deadlines).containsExactly(300L, 200L);
        assertThat(demanded.wanted).as("a hint is no demand").isZero();
    }

    @Test
    void ofOneTimelineTheLaterOneIsKnown() {
        Fence first = timeline.begin("flush 1").fence();
        Fence second = timeline.begin("flush 2").fence();
        Fence other = fences.timeline("codec0").begin("frame 1").fence();
        assertThat(second.isLaterThan(first)).isTrue();
        assertThat(first.isLaterThan(second)).isFalse();
        assertThat(first.isLaterThan(first)).isFalse();
        assertThatThrownBy(() -> first.isLaterThan(other)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("different timelines");
    }

    @Test
    void wakesWhoWaits() throws Exception {
        CompletableFuture<Thread> waits = new CompletableFuture<>();
        FenceSignal signal = timeline.begin("flush 1", new FenceDemand() {
            @Override
            public void wanted(Fence fence) {
                waits.complete(Thread.currentThread());
            }
        });
        CompletableFuture<Boolean> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(signal.fence().await(Duration.ofSeconds(20)));
            } catch (InterruptedException failure) {
                result.completeExceptionally(failure);
            }
        });
        waits.get(10, TimeUnit.SECONDS);
        signal.succeed();
        assertThat(result.get(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void waitsNoLongerThanToldOrThanItsBound() throws Exception {
        Fence fence = timeline.begin("flush 1").fence();
        long began = System.nanoTime();
        assertThat(fence.await(Duration.ofMillis(2))).isFalse();
        assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(2_000_000);
        assertThat(fence.awaitBound()).isFalse();
        fences.clock.addAndGet(10_000);
        assertThat(fence.awaitBound()).as("it is late already").isFalse();
        assertThatThrownBy(() -> fence.await(Duration.ofNanos(-1))).isInstanceOf(IllegalArgumentException.class);
        FenceSignal done = timeline.begin("flush 2");
        done.succeed();
        assertThat(done.fence().awaitBound()).isTrue();
        assertThat(done.fence().await(Duration.ofDays(365_000_000))).isTrue();
    }

    @Test
    void refusesToWaitWhereOthersWaitForTheThread() {
        List<FenceFinding> findings = new ArrayList<>();
        FenceDomain domain = new FenceDomain(
                FenceOptions.DEFAULT.withListener(findings::add).withGuard(() -> "a read section of gpu0"));
        FenceSignal signal = domain.openTimeline("codec0", Duration.ofSeconds(1)).begin("frame 1");
        signal.succeed();
        Fence fence = signal.fence();
        String sentence = "a wait for fence " + fence
                + " inside of a read section of gpu0 was refused: leave it first, others wait for its end";
        assertThatThrownBy(() -> fence.await(Duration.ofSeconds(1))).isInstanceOf(IllegalStateException.class)
                .hasMessage(sentence);
        assertThatThrownBy(fence::awaitBound).isInstanceOf(IllegalStateException.class);
        assertThat(findings).hasSize(2).allMatch(finding -> finding.sentence().equals(sentence));
    }

    @Test
    void remembersTheCodeThatMadeItIfTold() {
        FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withSites(true));
        Fence fence = domain.openTimeline("codec0", Duration.ofSeconds(1)).begin("frame 1").fence();
        StackTraceElement site = fence.origin().site();
        assertThat(site).isNotNull();
        assertThat(fence.toString()).contains("made at ", "FenceTest.java", "remembersTheCodeThatMadeItIfTold");
        assertThat(timeline.begin("flush 1").fence().origin().site()).isNull();
    }

    @Test
    void signallingAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long own = Thread.currentThread().threadId();
        AtomicInteger calls = new AtomicInteger();
        int count = 2000;
        List<FenceSignal> signals = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            FenceSignal signal = timeline.begin("flush");
            signal.fence().onSignal(_ -> calls.incrementAndGet());
            signals.add(signal);
        }
        // The first calls load classes, and asking allocates, too.
        int warm = 10;
        for (int i = 0; i < warm; i++) signals.get(i).succeed();
        threads.getThreadAllocatedBytes(own);
        long before = threads.getThreadAllocatedBytes(own);
        for (int i = warm; i < count; i++) signals.get(i).succeed();
        long allocated = threads.getThreadAllocatedBytes(own) - before;
        assertThat(calls).hasValue(count);
        assertThat(allocated).as("bytes for %d signals", count - warm).isLessThan(count - warm);
    }
}
