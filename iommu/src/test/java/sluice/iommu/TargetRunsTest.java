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
        assertThat(runs.orOfAll()).isEqualTo(0x1000 | 4112 | 0x3000 | 1);
        runs.clear();
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
