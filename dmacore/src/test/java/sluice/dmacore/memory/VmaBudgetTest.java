package sluice.dmacore.memory;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class VmaBudgetTest {
    @Test
    void refusesMoreThanIsLeftAndTakesNothingThen() throws Exception {
        VmaBudget budget = new VmaBudget(10);
        budget.take(7);
        assertThatThrownBy(() -> budget.take(4)).isInstanceOf(IOException.class)
                .hasMessage("4 more memory mappings would exceed this process's budget of 10 (7 in use)");
        assertThat(budget.used()).isEqualTo(7);
        budget.take(3);
        budget.giveBack(10);
        assertThat(budget.used()).isZero();
    }

    @Test
    void isNeverExceededByThreadsThatTakeAtTheSameTime() throws Exception {
        VmaBudget budget = new VmaBudget(5);
        AtomicInteger held = new AtomicInteger();
        AtomicInteger refusals = new AtomicInteger();
        Runnable taker = () -> {
            for (int i = 0; i < 100_000; i++) {
                try {
                    budget.take(3);
                } catch (IOException e) {
                    refusals.incrementAndGet();
                    continue;
                }
                int now = held.addAndGet(3);
                held.addAndGet(-3);
                budget.giveBack(3);
                assertThat(now).isLessThanOrEqualTo(5);
            }
        };
        CompletableFuture<Void> other = CompletableFuture.runAsync(taker);
        taker.run();
        other.get(30, TimeUnit.SECONDS);
        assertThat(budget.used()).isZero();
        assertThat(refusals.get()).isLessThan(200_000);
    }
}
