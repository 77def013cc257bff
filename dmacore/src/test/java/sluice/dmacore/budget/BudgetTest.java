package sluice.dmacore.budget;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.budget.Resource.FILES;
import static sluice.dmacore.budget.Resource.MAPPINGS;

class BudgetTest {
    private static final int LIMIT = 100;

    private final Budget budget = Budget.of(FILES, LIMIT);

    @Test
    void oneThatIsAloneMayHaveAllButThePartOfTheProcess() throws Exception {
        try (Share alone = budget.share("gpu")) {
            alone.take(FILES, 75);
            assertThat(alone.tryTake(FILES, 1)).isFalse();
            budget.own().take(FILES, 25);
            alone.giveBack(FILES, 75);
            budget.own().giveBack(FILES, 25);
            assertThat(budget.used(FILES)).isZero();
        }
    }

    @Test
    void ofManyEachIsSureOfItsPartOfAHalfAndTheRestGoesToTheFirst() throws Exception {
        Share greedy = budget.share("greedy");
        List<Share> others = List.of(budget.share("b"), budget.share("c"), budget.share("d"), budget.own());
        // Each is sure of 10: 40 are kept for the other three and the process.
        greedy.take(FILES, 60);
        assertThatThrownBy(() -> greedy.take(FILES, 1)).isInstanceOf(ShareUsedUpException.class).hasMessage(
                "greedy does not get 1 more memory files: it has 60, and of the 100 of this process 40 are free, of which 40 are kept for others; give the VM's memory fewer files, or serve fewer devices in one process")
                .extracting(e -> ((ShareUsedUpException) e).resource()).isEqualTo(FILES);
        for (Share other : others) {
            other.take(FILES, 10);
            assertThat(other.tryTake(FILES, 1)).as(other.name()).isFalse();
        }
        assertThat(budget.used(FILES)).isEqualTo(LIMIT);
        greedy.giveBack(FILES, 5);
        others.getFirst().take(FILES, 5);
        assertThat(greedy.tryTake(FILES, 1)).as("what it gave back is another's now").isFalse();
    }

    @Test
    void nothingIsKeptForADeviceThatIsClosedAndWhatItHasItGivesBackLater() throws Exception {
        Share greedy = budget.share("greedy");
        Share closed = budget.share("closed");
        // 16 for each of the two, and for the process.
        closed.take(FILES, 5);
        greedy.take(FILES, 68);
        assertThat(greedy.tryTake(FILES, 1)).isFalse();
        closed.close();
        greedy.take(FILES, 2);
        assertThat(greedy.tryTake(FILES, 1)).as("25 are kept for the process now").isFalse();
        closed.giveBack(FILES, 5);
        greedy.take(FILES, 5);
    }

    @Test
    void namesakesGetNumbers() {
        assertThat(budget.share("gpu").name()).isEqualTo("gpu");
        assertThat(budget.share("gpu").name()).isEqualTo("gpu 2");
        assertThat(budget.share("codec").name()).isEqualTo("codec");
    }

    @Test
    void resourcesAreCountedApartAndWhatHasNoLimitIsCountedToo() throws Exception {
        Share device = budget.share("gpu");
        device.take(FILES, 3);
        device.take(MAPPINGS, 1L << 60);
        assertThat(device.used(FILES)).isEqualTo(3);
        assertThat(budget.used(MAPPINGS)).isEqualTo(1L << 60);
    }

    @Test
    void refusesToCountWrong() throws Exception {
        Share device = budget.share("gpu");
        device.take(FILES, 3);
        budget.share("codec").take(FILES, 3);
        assertThatThrownBy(() -> device.giveBack(FILES, 4)).isInstanceOf(IllegalStateException.class)
                .hasMessage("gpu gives back 4 memory files of 3");
        assertThatThrownBy(() -> device.giveBack(FILES, -1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> device.take(FILES, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(device.used(FILES)).isEqualTo(3);
    }

    @Test
    void isNeverExceededByThreadsThatTakeAtTheSameTime() throws Exception {
        AtomicInteger held = new AtomicInteger();
        Share share = budget.share("taker");
        Runnable taker = () -> {
            for (int i = 0; i < 100_000; i++) {
                if (!share.tryTake(FILES, 60)) continue;
                int now = held.addAndGet(60);
                held.addAndGet(-60);
                share.giveBack(FILES, 60);
                assertThat(now).isLessThanOrEqualTo(LIMIT);
            }
        };
        CompletableFuture<Void> other = CompletableFuture.runAsync(taker);
        taker.run();
        other.get(30, TimeUnit.SECONDS);
        assertThat(budget.used(FILES)).isZero();
    }

    @Test
    void everyResourceOfTheProcessHasALimitAndSaysWhatToDo() {
        for (Resource resource : Resource.values()) {
            assertThat(resource.limit()).as(resource.name()).isPositive().isLessThan(Long.MAX_VALUE);
            assertThat(resource.remedy()).as(resource.name()).isNotBlank();
        }
        assertThat(Resource.HEAP.limit()).isLessThan(Runtime.getRuntime().maxMemory());
    }

    @Test
    void aLimitOfTheHostThatCannotBeReadIsNone() {
        Pattern wanted = Pattern.compile("Max open files +([0-9]+) .*");
        List<String> lines = List.of("Limit                     Soft Limit           Hard Limit           Units     ",
                "Max open files            20000                20001                files     ");
        assertThat(HostLimits.find(lines, wanted)).isEqualTo(20_000);
        assertThat(HostLimits.find(List.of("Max open files            unlimited            unlimited   files"), wanted))
                .isEqualTo(Long.MAX_VALUE);
        assertThat(HostLimits.find(List.of(), wanted)).isEqualTo(Long.MAX_VALUE);
    }
}
