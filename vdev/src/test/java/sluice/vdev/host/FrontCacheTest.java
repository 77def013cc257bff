package sluice.vdev.host;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.Iotlb;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.Access;

import static org.assertj.core.api.Assertions.assertThat;

/** What is left of a start of the device when the next one begins. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FrontCacheTest {
    private static final long PAGE = 0x5000;

    private final HostLoop loop = HostLoop.start("front-cache", Budget.ofProcess().share("front-cache"));
    private final IotlbStatistics statistics = new IotlbStatistics();
    private final FrontCache cache = new FrontCache(loop, DeviceTrace.NONE, new GuestMemoryView(),
            GuestMemory.Addressing.USER, () -> {}, statistics, List.of());
    private final List<Consumer<Boolean>> asked = new ArrayList<>();

    @AfterEach
    void stop() {
        loop.stop();
    }

    private void onLoop(Runnable work) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.ask("a step of the test", work, () -> done.complete(null));
        done.join();
    }

    private void start() {
        onLoop(() -> cache.start((_, _, answer) -> asked.add(answer)));
    }

    @Test
    void anAnswerToAQuestionOfAnEarlierStartIsNotTaken() {
        Iotlb first = cache.iotlb();
        start();
        onLoop(() -> cache.ask(PAGE, Access.READ));
        start();
        assertThat(cache.iotlb()).isSameAs(first);
        onLoop(() -> cache.ask(PAGE, Access.READ));
        asked.getFirst().accept(false);
        onLoop(() -> {});
        assertThat(statistics.refused()).as("of the start that is over").isZero();
    }

    @Test
    void nobodyIsAskedAfterAStop() {
        start();
        onLoop(cache::stop);
        onLoop(() -> cache.ask(PAGE, Access.READ));
        assertThat(asked).isEmpty();
    }
}
