package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Two threads at one fence: signal against add, remove, wait, look and close. */
@Tag("S34")
@Tag("M17")
class FenceStressTest {
    private static final long SEED = 20261127;
    private static final int ROUNDS = 4000;

    private final Queue<FenceFinding> findings = new ConcurrentLinkedQueue<>();
    private final FenceDomain domain = new FenceDomain(FenceOptions.DEFAULT.withListener(findings::add));
    private final ExecutorService threads = Executors.newFixedThreadPool(2, Thread.ofPlatform().daemon().factory());
    private final CyclicBarrier start = new CyclicBarrier(2);

    @AfterEach
    void end() {
        threads.shutdownNow();
    }

    private static void spin(int turns) {
        for (int i = 0; i < turns; i++) Thread.onSpinWait();
    }

    /** Both at the same time, each after a moment that is another one each time. */
    private void both(Random random, Callable<?> one, Callable<?> other) throws Exception {
        Future<?> first = threads.submit(together(random.nextInt(200), one));
        Future<?> second = threads.submit(together(random.nextInt(200), other));
        first.get(20, TimeUnit.SECONDS);
        second.get(20, TimeUnit.SECONDS);
    }

    private Callable<?> together(int turns, Callable<?> what) {
        return () -> {
            start.await(20, TimeUnit.SECONDS);
            spin(turns);
            return what.call();
        };
    }

    @Test
    void everyCallbackIsCalledOnceOrTakenBack() throws Exception {
        Random random = new Random(SEED);
        FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMinutes(1));
        int takenBack = 0;
        for (int round = 0; round < ROUNDS; round++) {
            FenceSignal signal = timeline.begin("work");
            Fence whole = round % 2 == 0 ? signal.fence() : domain.anyOf("any", List.of(signal.fence()));
            AtomicInteger[] calls = { new AtomicInteger(), new AtomicInteger(), new AtomicInteger() };
            boolean[] removed = new boolean[3];
            Subscription first = whole.onSignal(_ -> calls[0].incrementAndGet());
            both(random, signal::succeed, () -> {
                Subscription second = whole.onSignal(_ -> calls[1].incrementAndGet());
                removed[0] = first.remove();
                whole.onSignal(_ -> calls[2].incrementAndGet());
                removed[1] = second.remove();
                return null;
            });
            for (int i = 0; i < 3; i++) {
                assertThat(calls[i]).as("seed %d, round %d, callback %d, removed %s", SEED, round, i, removed[i])
                        .hasValue(removed[i] ? 0 : 1);
                if (removed[i]) takenBack++;
            }
        }
        assertThat(takenBack).as("seed %d: some of each", SEED).isBetween(ROUNDS / 100, 2 * ROUNDS - ROUNDS / 100);
    }

    @Test
    void oneSignalCountsAndEverybodySeesIt() throws Exception {
        Random random = new Random(SEED);
        int byClose = 0;
        for (int round = 0; round < ROUNDS / 2; round++) {
            FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMinutes(1));
            FenceSignal signal = timeline.begin("work");
            boolean[] won = new boolean[1];
            both(random, () -> won[0] = signal.fail(5), () -> {
                timeline.close();
                assertThat(signal.fence().isSignalled()).isTrue();
                return null;
            });
            assertThat(signal.fence().error()).as("seed %d, round %d", SEED, round).isEqualTo(won[0] ? 5 : 125);
            assertThat(timeline.pending()).isZero();
            if (!won[0]) byClose++;
        }
        assertThat(byClose).as("seed %d: some of each", SEED).isBetween(1, ROUNDS / 2 - 1);
        assertThat(findings).hasSize(byClose).hasOnlyElementsOfType(FenceFinding.NeverSignalled.class);
    }

    /** The earlier one is still on its way out of the list when the later one is signalled. */
    @Test
    void whoKeepsTheOrderIsNotReported() throws Exception {
        Random random = new Random(SEED);
        FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMinutes(1));
        for (int round = 0; round < ROUNDS; round++) {
            FenceSignal first = timeline.begin("first");
            FenceSignal second = timeline.begin("second");
            both(random, first::succeed, () -> {
                while (!first.fence().isSignalled())
                    Thread.onSpinWait();
                return second.succeed();
            });
            assertThat(findings).as("seed %d, round %d", SEED, round).isEmpty();
            assertThat(timeline.pending()).isZero();
        }
    }

    @Test
    void whoWaitsIsWoken() throws Exception {
        Random random = new Random(SEED);
        FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMinutes(1));
        for (int round = 0; round < ROUNDS / 2; round++) {
            FenceSignal one = timeline.begin("one");
            FenceSignal two = timeline.begin("two");
            Fence whole = domain.allOf("both", List.of(one.fence(), two.fence()));
            both(random, () -> {
                one.succeed();
                return two.succeed();
            }, () -> {
                assertThat(whole.await(Duration.ofSeconds(10))).isTrue();
                assertThat(one.fence().isSignalled() && two.fence().isSignalled()).isTrue();
                return null;
            });
        }
    }

    @Test
    void aBufferIsNeverIdleWhileAWriterIsPending() throws Exception {
        Random random = new Random(SEED);
        FenceTimeline timeline = domain.openTimeline("gpu0", Duration.ofMinutes(1));
        FenceTimeline other = domain.openTimeline("codec0", Duration.ofMinutes(1));
        Reservation buffer = new Reservation(domain, "resource 7", 8);
        List<FenceSignal> writes = new ArrayList<>();
        for (int round = 0; round < ROUNDS / 2; round++) {
            FenceSignal old = timeline.begin("old");
            FenceSignal last = timeline.begin("last");
            FenceSignal read = other.begin("read");
            try (FenceSlots slots = buffer.reserve(1)) {
                slots.add(old.fence(), Usage.WRITE);
            }
            writes.add(old);
            both(random, old::succeed, () -> {
                try (FenceSlots slots = buffer.reserve(2)) {
                    slots.add(last.fence(), Usage.WRITE);
                    slots.add(read.fence(), Usage.READ);
                }
                assertThat(buffer.isReadable()).isFalse();
                assertThat(buffer.fences(Usage.WRITE)).contains(last.fence());
                return null;
            });
            both(random, last::succeed, () -> {
                assertThat(buffer.await(Usage.WRITE, Duration.ofSeconds(10))).isTrue();
                assertThat(last.fence().isSignalled()).isTrue();
                assertThat(buffer.isReadable()).isTrue();
                assertThat(buffer.isWritable()).isFalse();
                return null;
            });
            read.succeed();
            assertThat(buffer.pending()).as("seed %d, round %d", SEED, round).isZero();
        }
        assertThat(writes).allMatch(signal -> signal.fence().isSignalled());
    }
}
