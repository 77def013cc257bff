package sluice.iommu;

import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TargetRunsTest {
    private static final long SEED = 20260405;

    private final TargetRuns runs = new TargetRuns();

    @Test
    void neighboursBecomeOneRunAndOthersDoNot() {
        runs.add(0x1000, 0x1000);
        runs.add(0x2000, 10);
        runs.add(0x200a, 6);
        runs.add(0x3000, 1);
        runs.add(0x1000, 1);
        assertThat(runs.toString()).isEqualTo("[0x1000+4112, 0x3000+1, 0x1000+1]");
        assertThat(runs.count()).isEqualTo(3);
        assertThat(runs.bytes()).isEqualTo(4114);
        assertThat(runs.orOfAll()).as("of all that was added").isEqualTo(0x3000 | 0x200a | 6 | 1);
        runs.clear();
        assertThat(runs.orOfAll()).isZero();
        assertThat(runs.count()).isZero();
        assertThat(runs.bytes()).isZero();
    }

    @Test
    void aListWithRoomDoesNotGrow() {
        runs.reserve(9);
        assertThat(runs.room()).isEqualTo(9);
        for (int i = 0; i < 9; i++) runs.add(i * 0x2000L, 0x1000);
        runs.reserve(3);
        assertThat(runs.room()).isEqualTo(9);
        runs.add(0x20_0000, 0x1000);
        assertThat(runs.room()).isEqualTo(18);
        assertThat(runs.target(8)).isEqualTo(0x1_0000);
    }

    @Test
    void manyRunsOfOneLengthAreAppendedAtOnce() {
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            long[] offsets = random.longs(random.nextInt(20), 0, 1 << 20).map(page -> page * 0x2000).toArray();
            int first = random.nextInt(offsets.length + 1);
            int end = first + random.nextInt(offsets.length - first + 1);
            long base = 1L << 41;
            TargetRuns expected = new TargetRuns();
            runs.clear();
            if (random.nextBoolean()) {
                runs.add(0x1000, 7);
                expected.add(0x1000, 7);
            }
            runs.addAll(base, offsets, first, end, 0x1000);
            for (int i = first; i < end; i++) expected.add(base + offsets[i], 0x1000);
            assertThat(runs.toString()).as("seed %d, round %d", SEED, round).isEqualTo(expected.toString());
            assertThat(runs.bytes()).isEqualTo(expected.bytes());
        }
    }

    @Test
    void manyRunsAreRefusedIfOneIsNoTarget() {
        runs.add(5, 1);
        long[][] lists = { { 0, -1 }, { Targets.MAX + 1, 0 }, { 0, Targets.MAX }, { Long.MIN_VALUE } };
        for (long[] list : lists) {
            assertThatThrownBy(() -> runs.addAll(0, list, 0, list.length, 2))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("targets have 52 bits");
        }
        long[] zero = { 0 };
        for (long length : new long[]{ 0, -1, Long.MIN_VALUE, Long.MAX_VALUE, Targets.MAX + 2 }) {
            assertThatThrownBy(() -> runs.addAll(0, zero, 0, 1, length)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(runs.toString()).as("nothing of them was appended").isEqualTo("[0x5+1]");
        runs.addAll(0, zero, 0, 1, Targets.MAX + 1);
        runs.addAll(Targets.MAX, zero, 0, 1, 1);
        assertThat(runs.count()).isEqualTo(3);
    }

    @Test
    void cutsBackToAnyLength() {
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            runs.clear();
            long[] starts = new long[20];
            for (int i = 0; i < 20; i++) {
                starts[i] = random.nextInt(50) * 100L;
                runs.add(starts[i], 100);
            }
            long keep = random.nextLong(2001);
            runs.cutBack(keep);
            TargetRuns expected = new TargetRuns();
            for (long left = keep, i = 0; left > 0; left -= 100, i++) {
                expected.add(starts[(int) i], Math.min(100, left));
            }
            assertThat(runs.toString()).isEqualTo(expected.toString());
            assertThat(runs.bytes()).isEqualTo(keep);
        }
        assertThatThrownBy(() -> runs.cutBack(100_000)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void refusesWhatIsNoTarget() {
        long beyond = Targets.MAX + 1;
        assertThatThrownBy(() -> runs.add(beyond, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("targets have 52 bits");
        assertThatThrownBy(() -> runs.add(Targets.MAX, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(0, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(0, Long.MAX_VALUE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.add(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> runs.target(0)).isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("run 0 of 0");
        runs.add(Targets.MAX, 1);
        runs.add(0, Targets.MAX + 1);
        assertThat(runs.count()).isEqualTo(2);
    }
}
