package sluice.vdev.vfiouser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.DmaReader;
import sluice.iommu.Access;
import sluice.iommu.space.IoSpaceStatistics;
import sluice.iommu.space.Outcome;
import sluice.vdev.fixture.VfioUserClient;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;
import static sluice.vdev.fixture.VfioUserClient.NO_REPLY;
import static sluice.vdev.fixture.VfioUserClient.body;

/**
 * A guest behind an IOMMU maps page by page: each map must cost the same however many there are already. What is compared
 * is the processor time of the loops, in medians over windows of messages: the machine may have something else to do in between.
 * Rates are only printed.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class DmaMapLoopbackTest {
    private static final int PAGE = 4096;
    private static final int FEW = 10_000;
    private static final int MANY = 100_000;
    /** Messages that are sent before an answer is waited for. */
    private static final int WINDOW = 500;
    /** What a map or unmap may cost more among a hundred thousand than among ten thousand. */
    private static final double TOLERANCE = 3;
    /** Of other threads: stacks, the heap, compiled code. */
    private static final long VMAS_OF_OTHERS = 100;
    /** Prime to the number of pages: no two neighbours on the bus are neighbours in the file. */
    private static final int STRIDE = 38_197;

    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;
    private Fd memory;

    @BeforeEach
    void start() throws IOException {
        function = new PlainFunction();
        process = new FunctionProcess(function);
        client = process.agreed();
        memory = Memfd.create("memory", 0);
        Memfd.resize(memory, (long) MANY * PAGE);
    }

    @AfterEach
    void close() {
        client.close();
        process.awaitGone();
        process.close();
        function.close();
        memory.close();
    }

    private static ByteBuffer mapping(long address, long offset) {
        return body(32).putInt(32).putInt(MAP_READ | MAP_WRITE).putLong(offset).putLong(address).putLong(PAGE);
    }

    private static ByteBuffer unmapping(long address) {
        return body(24).putInt(24).putInt(0).putLong(address).putLong(PAGE);
    }

    /** One message of many, with an answer or without. */
    private interface Message {
        void send(int index, boolean answered) throws IOException;
    }

    /** Sends {@code count} messages; returns the loops' nanoseconds a message, one number for each window. */
    private double[] windows(int count, Message message) throws IOException {
        double[] costs = new double[count / WINDOW];
        long before = process.loopNanos();
        long begun = System.nanoTime();
        for (int window = 0; window < costs.length; window++) {
            for (int i = 1; i <= WINDOW; i++) message.send(window * WINDOW + i - 1, i == WINDOW);
            long after = process.loopNanos();
            costs[window] = (double) (after - before) / WINDOW;
            before = after;
        }
        System.out.printf("%d messages, %.0f/s%n", count, 1e9 * count / (System.nanoTime() - begun));
        return costs;
    }

    private void map(int index, boolean answered) throws IOException {
        ByteBuffer body = mapping((long) index * PAGE, (long) index * STRIDE % MANY * PAGE);
        if (answered) {
            assertThat(client.ask(VfioUserClient.DMA_MAP, body, memory).errno()).isZero();
        } else {
            client.post(VfioUserClient.DMA_MAP, NO_REPLY, body, memory);
        }
    }

    private void unmap(int index, boolean answered) throws IOException {
        ByteBuffer body = unmapping((long) index * PAGE);
        if (answered) {
            assertThat(client.ask(VfioUserClient.DMA_UNMAP, body).errno()).isZero();
        } else {
            client.post(VfioUserClient.DMA_UNMAP, NO_REPLY, body);
        }
    }

    private static double median(double[] costs, int from, int to) {
        double[] part = Arrays.copyOfRange(costs, from, to);
        Arrays.sort(part);
        return part[part.length / 2];
    }

    private static void assertLinear(String what, double few, double many) {
        System.out.printf("%s: %.0f ns among %d, %.0f ns among %d%n", what, few, FEW, many, MANY);
        assertThat(many / few).as("%s: cost among %d to that among %d", what, MANY, FEW).isLessThan(TOLERANCE);
    }

    private static long vmas() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.count();
        }
    }

    private IoSpaceStatistics space() {
        return process.host().space().table().statistics();
    }

    @Test
    void aMapCostsTheSameAmongMany() throws Exception {
        // What the compiler takes is not counted.
        windows(FEW, this::map);
        windows(FEW, this::unmap);
        long vmas = vmas();
        // Another file may be on its way out.
        int files = FileMappings.ofProcess().count();
        long budget = Budget.ofProcess().used(Resource.MAPPINGS);
        double[] maps = windows(MANY, this::map);
        assertThat(space().mappings()).isEqualTo(MANY);
        assertThat(space().mappedBytes()).isEqualTo((long) MANY * PAGE);
        assertThat(FileMappings.ofProcess().count()).as("mapped files").isLessThanOrEqualTo(files + 1);
        assertThat(Budget.ofProcess().used(Resource.MAPPINGS)).as("of the budget").isLessThanOrEqualTo(budget + 1);
        assertThat(vmas() - vmas).as("memory mappings of this process more").isLessThan(VMAS_OF_OTHERS);
        double[] unmaps = windows(MANY, this::unmap);
        assertThat(space().mappings()).isZero();
        int first = FEW / WINDOW;
        assertLinear("maps", median(maps, 0, first), median(maps, maps.length - first, maps.length));
        // The last to go are those that go from among few.
        assertLinear("unmaps", median(unmaps, unmaps.length - first, unmaps.length), median(unmaps, 0, first));
    }

    /** What a guest maps page by page, and the device uses as one piece. */
    @Test
    void neighboursBecomeOneRun() throws Exception {
        windows(FEW, (index, answered) -> {
            client.post(VfioUserClient.DMA_MAP, NO_REPLY, mapping((long) index * PAGE, (long) index * PAGE), memory);
            if (answered) assertThat(client.ask(VfioUserClient.GET_INFO, body(16).putInt(16)).errno()).isZero();
        });
        assertThat(runs((long) FEW * PAGE)).isEqualTo(1);
        assertThat(client.unmap(0, (long) FEW * PAGE)).as("all of them by one message").isZero();
        assertThat(space().mappings()).isZero();
        windows(FEW, this::map);
        assertThat(runs((long) FEW * PAGE)).isEqualTo(FEW);
    }

    private int runs(long length) {
        return process.onLoop(() -> {
            Runs runs = new Runs();
            try (DmaReader reader = process.host().space().openReader(); var _ = reader.enter()) {
                assertThat(reader.resolve(0, length, Access.WRITE, runs)).isEqualTo(Outcome.RESOLVED);
                return runs.count();
            }
        });
    }
}
