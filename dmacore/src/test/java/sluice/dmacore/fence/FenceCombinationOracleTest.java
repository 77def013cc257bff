package sluice.dmacore.fence;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Fences that are combined in any way, at any time, looked at or waited for: what they tell follows from their parts. */
@Tag("S34")
@Tag("M17")
class FenceCombinationOracleTest {
    private static final long SEED = 20260616;
    private static final int ROUNDS = 60;
    private static final int STEPS = 120;

    private final Random random = new Random(SEED);

    /** What is to be seen of a fence: pending while {@code at} is 0. */
    private record Seen(long at, int error) {
        static final Seen PENDING = new Seen(0, 0);
    }

    /** One fence that consists of others, and those that were subscribed to it and called. */
    private static final class Combined {
        final Fence fence;
        final List<Fence> parts;
        final boolean any;
        int subscribed;
        int called;

        Combined(Fence fence, List<Fence> parts, boolean any) {
            this.fence = fence;
            this.parts = parts;
            this.any = any;
        }
    }

    /** One machine with three timelines. */
    private final class World {
        final Fences fences = new Fences();
        final List<FenceTimeline> timelines = List.of(fences.timeline("gpu0"), fences.timeline("codec0"),
                fences.timeline("grabber0"));
        final List<FenceSignal> signals = new ArrayList<>();
        final Map<Fence, Seen> truth = new LinkedHashMap<>();
        final List<Combined> combined = new ArrayList<>();

        List<Fence> some(int least) {
            List<Fence> all = new ArrayList<>(truth.keySet());
            List<Fence> some = new ArrayList<>();
            for (int i = least + random.nextInt(5); i > 0 && !all.isEmpty(); i--)
                some.add(all.remove(random.nextInt(all.size())));
            return some;
        }

        Seen expected(Combined of) {
            Seen found = of.any ? Seen.PENDING : new Seen(1, 0);
            for (Fence part : of.parts) {
                Seen seen = truth.getOrDefault(part, Seen.PENDING);
                if (of.any) {
                    if (seen.at != 0 && (found.at == 0 || seen.at < found.at)) found = seen;
                } else {
                    if (seen.at == 0) return Seen.PENDING;
                    found = new Seen(Math.max(found.at, seen.at), found.error == 0 ? seen.error : found.error);
                }
            }
            return found;
        }

        void step() throws FenceRefusedException {
            fences.clock.incrementAndGet();
            switch (random.nextInt(6)) {
                case 0, 1 -> {
                    FenceSignal signal = timelines.get(random.nextInt(3)).begin("work");
                    signals.add(signal);
                    truth.put(signal.fence(), Seen.PENDING);
                }
                case 2, 3 -> signal();
                case 4 -> combine();
                default -> merge();
            }
        }

        private void signal() {
            if (signals.isEmpty()) return;
            FenceSignal signal = signals.remove(random.nextInt(signals.size()));
            int error = random.nextInt(3) == 0 ? 1 + random.nextInt(100) : 0;
            truth.put(signal.fence(), new Seen(fences.clock.get(), error));
            if (error == 0) signal.succeed();
            else signal.fail(error);
        }

        private void combine() {
            List<Fence> parts = some(1);
            if (parts.isEmpty()) return;
            boolean any = random.nextBoolean();
            Fence fence = any ? fences.domain.anyOf("any", parts) : fences.domain.allOf("all", parts);
            Combined made = new Combined(fence, parts, any);
            combined.add(made);
            for (int i = random.nextInt(3); i > 0; i--) {
                made.subscribed++;
                fence.onSignal(_ -> made.called++);
            }
        }

        private void merge() throws FenceRefusedException {
            List<Fence> asked = some(0);
            List<Fence> parts = new ArrayList<>(asked);
            if (random.nextBoolean() && !parts.isEmpty()) {
                // A part of them in a container: it makes no difference.
                int cut = 1 + random.nextInt(parts.size());
                asked = new ArrayList<>(List.of(fences.domain.allOf("inner", parts.subList(0, cut))));
                asked.addAll(parts.subList(cut, parts.size()));
            }
            Set<Fence> failed = new LinkedHashSet<>();
            Map<Long, Fence> latest = new LinkedHashMap<>();
            long lastSignal = 0;
            for (Fence part : parts) {
                Seen seen = truth.getOrDefault(part, Seen.PENDING);
                lastSignal = Math.max(lastSignal, seen.at);
                if (seen.error != 0) failed.add(part);
                if (seen.at == 0)
                    latest.merge(part.origin().context(), part,
                            (a, b) -> b.origin().seqno() > a.origin().seqno() ? b : a);
            }
            List<Fence> kept = new ArrayList<>(failed);
            kept.addAll(latest.values());
            Fence merged = fences.domain.merge("merged", asked);
            switch (kept.size()) {
                case 0 -> {
                    assertThat(merged.isSignalled()).isTrue();
                    assertThat(merged.error()).isZero();
                    assertThat(merged.signalledAt()).isEqualTo(lastSignal == 0 ? fences.clock.get() : lastSignal);
                }
                case 1 -> assertThat(merged).isSameAs(kept.getFirst());
                default -> {
                    assertThat(merged.members()).containsExactlyElementsOf(kept);
                    combined.add(new Combined(merged, kept, false));
                }
            }
        }

        void check(String what) {
            for (Combined each : combined) {
                Seen expected = expected(each);
                // Callbacks run without polling.
                assertThat(each.called).as(what).isEqualTo(expected.at == 0 ? 0 : each.subscribed);
                if (random.nextInt(4) != 0) continue;
                assertThat(each.fence.isSignalled()).as(what).isEqualTo(expected.at != 0);
                assertThat(each.fence.error()).as(what).isEqualTo(expected.error);
                if (expected.at != 0) assertThat(each.fence.signalledAt()).as(what).isEqualTo(expected.at);
                if (each.subscribed == 0)
                    assertThat(each.fence.isWanted()).as("%s: a look is no demand", what).isFalse();
            }
        }
    }

    @Test
    void whatAFenceTellsFollowsFromItsParts() throws FenceRefusedException {
        int signalled = 0;
        int pending = 0;
        for (int round = 0; round < ROUNDS; round++) {
            World world = new World();
            for (int step = 0; step < STEPS; step++) {
                world.step();
                world.check("seed %d, round %d, step %d".formatted(SEED, round, step));
            }
            for (Combined each : world.combined) {
                if (each.fence.isSignalled()) signalled++;
                else pending++;
            }
            // At the end no callback is pending.
            world.timelines.forEach(FenceTimeline::close);
            for (Combined each : world.combined) {
                assertThat(each.fence.isSignalled()).isTrue();
                assertThat(each.fence.callbacks()).isZero();
            }
            for (Fence part : world.truth.keySet()) assertThat(part.callbacks()).isZero();
        }
        assertThat(signalled).isGreaterThan(200);
        assertThat(pending).isGreaterThan(50);
    }
}
