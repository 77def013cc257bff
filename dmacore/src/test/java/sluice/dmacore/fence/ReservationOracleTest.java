package sluice.dmacore.fence;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Random work on two buffers against a plain history: everything that was ever added, never replaced and never forgotten. What
 * the history says must be waited for, a query must wait for, and for nothing else.
 */
@Tag("S34")
class ReservationOracleTest {
    private static final long SEED = 20261126;
    private static final int STEPS = 20_000;
    private static final List<Usage> USAGES = List.of(Usage.values());
    private static final int LIMIT = 12;
    /** So many are left pending: enough to fill a buffer now and then. */
    private static final int PENDING = 10;

    /** Something that was added. */
    private record Added(Fence fence, Usage usage) {}

    private final Random random = new Random(SEED);
    private final Fences fences = new Fences();
    private final List<FenceTimeline> timelines = List.of(fences.timeline("a"), fences.timeline("b"),
            fences.timeline("c"), fences.timeline("d"));
    private final List<Reservation> buffers = List.of(new Reservation(fences.domain, "first", LIMIT),
            new Reservation(fences.domain, "second", LIMIT));
    private final List<List<Added>> histories = List.of(new ArrayList<>(), new ArrayList<>());
    private final List<FenceSignal> pending = new ArrayList<>();
    private final List<SyncFile> exported = new ArrayList<>();
    private int refused;
    private int replaced;
    private int demoted;
    private int imported;

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private Usage anyUsage() {
        return any(USAGES);
    }

    @Test
    void aQueryWaitsForWhatTheHistorySays() throws Exception {
        for (int step = 0; step < STEPS; step++) {
            int which = random.nextInt(2);
            switch (random.nextInt(12)) {
                case 0, 1, 2 -> add(which, any(timelines).begin("work " + step));
                case 3, 4 -> {
                    if (!pending.isEmpty()) add(which, any(pending));
                }
                case 5, 6, 7 -> {
                    if (pending.size() > PENDING) signal();
                }
                case 8 -> {
                    exported.add(SyncFile.exportFrom(buffers.get(which), anyUsage()));
                    if (exported.size() > 5) exported.removeFirst();
                }
                case 9 -> {
                    if (!exported.isEmpty()) importTo(which, any(exported));
                }
                default -> check(which, "seed %d, step %d".formatted(SEED, step));
            }
        }
        assertThat(refused).as("refused for want of slots").isGreaterThan(10);
        assertThat(replaced).as("replaced").isGreaterThan(STEPS / 100);
        assertThat(demoted).as("demoted").isGreaterThan(STEPS / 200);
        assertThat(imported).as("imported").isGreaterThan(STEPS / 200);
        assertThat(fences.findings.stream().filter(FenceFinding.Demoted.class::isInstance)).hasSize(demoted);
    }

    private void add(int which, FenceSignal signal) {
        if (!pending.contains(signal)) pending.add(signal);
        try (FenceSlots slots = buffers.get(which).reserve(1 + random.nextInt(2))) {
            add(which, slots, signal.fence(), anyUsage());
        } catch (FenceRefusedException full) {
            refused++;
            assertThat(buffers.get(which).pending()).isGreaterThanOrEqualTo(LIMIT - 1);
        }
    }

    private void add(int which, FenceSlots slots, Fence fence, Usage usage) {
        note(which, fence, usage);
        int before = buffers.get(which).pending();
        slots.add(fence, usage);
        if (buffers.get(which).pending() <= before) replaced++;
    }

    private void note(int which, Fence fence, Usage usage) {
        Usage present = buffers.get(which).usageOf(fence);
        if (present != null && usage.compareTo(present) > 0) demoted++;
        histories.get(which).add(new Added(fence, usage));
    }

    private @Nullable Usage strongest(int which, Fence fence) {
        return histories.get(which).stream().filter(added -> added.fence == fence).map(Added::usage).sorted()
                .findFirst().orElse(null);
    }

    /** The oldest of a timeline, because a later one stands for it. */
    private void signal() {
        long context = any(pending).fence().origin().context();
        FenceSignal signal = pending.stream().filter(one -> one.fence().origin().context() == context)
                .min(Comparator.comparingLong(one -> one.fence().origin().seqno())).orElseThrow();
        pending.remove(signal);
        if (random.nextInt(5) == 0) signal.fail(5);
        else signal.succeed();
        for (List<Added> history : histories) history.removeIf(added -> added.fence.isSignalled());
    }

    private void importTo(int which, SyncFile file) {
        Usage usage = random.nextBoolean() ? Usage.READ : Usage.WRITE;
        List<Fence> parts = file.fence().isContainer() ? file.fence().members() : List.of(file.fence());
        List<Fence> left = parts.stream().filter(part -> !part.isSignalled()).toList();
        int before = buffers.get(which).pending();
        if (left.size() > LIMIT - before) {
            assertThat(catchThrowable(() -> file.importTo(buffers.get(which), usage)))
                    .isInstanceOf(FenceRefusedException.class);
            assertThat(buffers.get(which).pending()).isEqualTo(before);
            return;
        }
        try {
            for (Fence part : left) note(which, part, usage);
            assertThat(file.importTo(buffers.get(which), usage)).isEqualTo(left.size());
            imported++;
        } catch (FenceRefusedException impossible) {
            throw new AssertionError("there was room for " + left.size(), impossible);
        }
    }

    private void check(int which, String where) {
        List<Added> history = histories.get(which);
        for (Usage upTo : Usage.values()) {
            List<Fence> found = buffers.get(which).fences(upTo);
            assertThat(new HashSet<>(found)).as("%s: no fence twice", where).hasSameSizeAs(found);
            for (Fence fence : found) {
                assertThat(fence.isSignalled()).as(where).isFalse();
                assertThat(history).as("%s: %s was added up to %s", where, fence, upTo)
                        .anyMatch(added -> added.fence == fence && added.usage.compareTo(upTo) <= 0);
            }
            for (Added added : history) {
                if (added.usage.compareTo(upTo) > 0) continue;
                assertThat(found).as("%s: something stands for %s, added as %s", where, added.fence, added.usage)
                        .anyMatch(fence -> fence.origin().context() == added.fence.origin().context()
                                && fence.origin().seqno() >= added.fence.origin().seqno());
            }
            for (Fence fence : found)
                assertThat(history.subList(lastAdded(history, fence) + 1, history.size()))
                        .as("%s: %s was not replaced", where, fence)
                        .noneMatch(later -> standsFor(later, fence, strongest(which, fence)));
            assertThat(buffers.get(which).isIdle(upTo)).as(where).isEqualTo(found.isEmpty());
            Fence whole = buffers.get(which).snapshot(upTo);
            assertThat(whole.isSignalled()).as(where).isEqualTo(found.isEmpty());
        }
    }

    private static int lastAdded(List<Added> history, Fence fence) {
        int last = -1;
        for (int i = 0; i < history.size(); i++) if (history.get(i).fence == fence) last = i;
        return last;
    }

    /** Whether one that was added later makes an earlier one of its timeline superfluous. */
    private static boolean standsFor(Added later, Fence earlier, @Nullable Usage usage) {
        return usage != null && later.fence.origin().context() == earlier.origin().context()
                && later.fence.origin().seqno() > earlier.origin().seqno() && later.usage.compareTo(usage) <= 0;
    }
}
