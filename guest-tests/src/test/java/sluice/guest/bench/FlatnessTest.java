package sluice.guest.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What a soak takes for growth. */
class FlatnessTest {
    private static List<String> growth(IntFunction<Resident> samples) {
        return Flatness.of(IntStream.range(0, 40).mapToObj(samples).toList()).growth();
    }

    @Test
    void aStartAndASpikeAreNoGrowth() {
        assertThat(growth(i -> i < 10
                ? new Resident(30_000 + 5000 * i, 20 + i, 10 + i)
                : new Resident(i == 39 ? 900_000 : 80_000 + 100 * (i % 3), i == 35 ? 90 : 30, 20))).isEmpty();
    }

    @Test
    void eachLeakIsNamed() {
        assertThat(growth(i -> new Resident(80_000 + 1000 * i, 30, 20))).singleElement().asString()
                .matches("resident memory grew from \\d+ to \\d+ KiB, by more than a tenth");
        assertThat(growth(i -> new Resident(80_000, 30 + i / 20, 20))).singleElement().asString()
                .isEqualTo("open descriptors grew from 30 to 31");
        assertThat(growth(i -> new Resident(80_000, 30, 20 + i / 10))).singleElement().asString()
                .isEqualTo("threads grew from 21 to 23");
    }

    @Test
    void fewSamplesHaveNoVerdict() {
        List<Resident> few = new ArrayList<>(List.of(new Resident(1, 1, 1)));
        assertThatThrownBy(() -> Flatness.of(few)).hasMessageStartingWith("1 samples, and 8 are needed");
    }

    @Test
    void aProcessIsReadAsTheKernelSeesIt() throws Exception {
        Resident self = Resident.of(ProcessHandle.current());
        assertThat(self.residentKib()).isBetween(10_000L, 8L << 20);
        assertThat(self.threads()).isGreaterThanOrEqualTo(Thread.activeCount());
        assertThat(self.descriptors()).isGreaterThan(3);
    }
}
