package sluice.iommu.injection;

import java.util.List;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** On which events a rule acts. */
class OccurrencesTest {
    private static List<Long> within(Occurrences when, long events) {
        return LongStream.rangeClosed(1, events).filter(when::contains).boxed().toList();
    }

    @Test
    void fromTheFirstSoManyTimes() {
        assertThat(within(new Occurrences(3, 2), 10)).containsExactly(3L, 4L);
        assertThat(within(Occurrences.nth(7), 10)).containsExactly(7L);
        assertThat(within(Occurrences.ALWAYS, 4)).containsExactly(1L, 2L, 3L, 4L);
        assertThat(Occurrences.ALWAYS.contains(Long.MAX_VALUE)).isTrue();
    }

    @Test
    void everyNth() {
        assertThat(within(new Occurrences(2, Long.MAX_VALUE, 3, 1, 0), 12)).containsExactly(2L, 5L, 8L, 11L);
        assertThat(within(new Occurrences(2, 2, 3, 1, 0), 12)).as("the count is of those").containsExactly(2L, 5L);
    }

    @Test
    void chanceDependsOnTheSeedAlone() {
        Occurrences when = new Occurrences(1, Long.MAX_VALUE, 1, 10, 42);
        List<Long> once = within(when, 10_000);
        assertThat(within(new Occurrences(1, Long.MAX_VALUE, 1, 10, 42), 10_000)).isEqualTo(once);
        assertThat(within(new Occurrences(1, Long.MAX_VALUE, 1, 10, 43), 10_000)).isNotEqualTo(once);
        // 10,000 draws of one in 10: 1,000 with a standard deviation of 30.
        assertThat(once.size()).isBetween(850, 1150);
        assertThat(within(new Occurrences(5001, Long.MAX_VALUE, 1, 10, 42), 10_000)).as("whenever it begins")
                .isEqualTo(once.stream().filter(event -> event > 5000).toList());
    }

    @Test
    void allCountsFromOne() {
        for (long[] wrong : new long[][]{ { 0, 1, 1, 1 }, { 1, 0, 1, 1 }, { 1, 1, 0, 1 }, { 1, 1, 1, 0 } }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Occurrences(wrong[0], wrong[1], wrong[2], wrong[3], 0))
                    .withMessageContaining("count from 1");
        }
    }
}
