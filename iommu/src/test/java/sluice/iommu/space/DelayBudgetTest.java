package sluice.iommu.space;

import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** How long rules may hold up a reader, with a clock of the test's. */
class DelayBudgetTest {
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long ACCESSES = 100_000;

    @ParameterizedTest
    @ValueSource(longs = { 0, Long.MAX_VALUE - 5, Long.MIN_VALUE, -17 })
    void whatIsSpentComesBackWithTime(long start) {
        DelayBudget budget = new DelayBudget();
        long now = start;
        for (int i = 0; i < 25; i++) {
            assertThat(budget.take(20 * MILLI, now)).as("delay %d", i).isTrue();
            now += 20 * MILLI;
        }
        assertThat(budget.take(20 * MILLI, now)).as("after 500 ms").isFalse();
        assertThat(budget.take(20 * MILLI, start + 1000 * MILLI - 1)).isFalse();
        assertThat(budget.take(20 * MILLI, start + 1000 * MILLI)).isTrue();
    }

    /** Accesses that cost nothing but their delay: what a reader waits in a row is bounded, whatever the rule says. */
    @ParameterizedTest
    @ValueSource(longs = { 1, 20, 499, 500, 2000, 60_000 })
    void aRowOfAccessesIsHeldUpForItsBudgetOrOnce(long millis) {
        DelayBudget budget = new DelayBudget();
        long now = 7;
        for (long i = 0; i < ACCESSES; i++) {
            if (budget.take(millis * MILLI, now)) now += millis * MILLI;
        }
        assertThat(now - 7).isBetween(DelayBudget.MAX_NANOS, DelayBudget.MAX_NANOS + millis * MILLI);
    }

    @Test
    void aDelayOfNothingCostsNothing() {
        DelayBudget budget = new DelayBudget();
        for (int i = 0; i < 10; i++) assertThat(budget.take(0, i)).isTrue();
        assertThat(budget.take(MILLI, 10)).isTrue();
    }
}
