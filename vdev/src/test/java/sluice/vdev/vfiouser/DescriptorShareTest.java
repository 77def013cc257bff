package sluice.vdev.vfiouser;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import io.netty.channel.IoEventLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;

/** Each device has a share of the descriptors of its process, and what its front-end sends is taken from it. */
@Timeout(60)
class DescriptorShareTest {
    private static final byte[] NO_DATA = {};
    private static final int SET = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
    private static final int RAM = 1 << 20;
    /** Of which each of three shares has one for itself, so that none gets more than four. */
    private static final int DESCRIPTORS = 6;

    private final Budget budget = Budget.of(Resource.DESCRIPTORS, DESCRIPTORS);
    private final LogTap log = new LogTap();
    private final IoEventLoop control = Loops.start("descriptor-share");
    private final List<PlainFunction> functions = new ArrayList<>();
    private FunctionProcess greedy;
    private FunctionProcess clean;

    @BeforeEach
    void start() throws IOException {
        greedy = function("greedy");
        clean = function("clean");
    }

    private FunctionProcess function(String name) throws IOException {
        functions.add(new PlainFunction());
        return new FunctionProcess(functions.getLast(), control, budget.share(name));
    }

    @AfterEach
    void allIsGivenBack() {
        greedy.awaitGone();
        clean.awaitGone();
        awaitUsed(0);
        greedy.close();
        clean.close();
        functions.forEach(PlainFunction::close);
        Loops.stop(control);
        log.close();
        log.requireNoInternalError();
    }

    private void awaitUsed(long expected) {
        Deadline.in(Deadline.USUAL).require(() -> budget.used(Resource.DESCRIPTORS) == expected,
                expected + " descriptors of the budget in use, not " + budget.used(Resource.DESCRIPTORS));
    }

    @Test
    void aNeighbourAttachesWhateverAFloodTakes() throws Exception {
        try (VfioUserClient flood = greedy.agreed();
                GuestRam ram = GuestRam.single(RAM, 1);
                Fd event = EventFd.create()) {
            assertThat(flood.setIrqs(SET, VfioUserClient.VECTORS, 0, 4, NO_DATA, event, event, event, event)).isZero();
            awaitUsed(4);
            try (VfioUserClient neighbour = clean.agreed()) {
                assertThat(neighbour.map(0, RAM, 0, MAP_READ, ram.file())).isZero();
                awaitUsed(4);
                flood.post(VfioUserClient.SET_IRQS, 0,
                        VfioUserClient.body(20).putInt(20).putInt(SET).putInt(0).putInt(0).putInt(1), event);
                assertThat(flood.isClosed()).as("more than its share").isTrue();
                awaitUsed(0);
                assertThat(neighbour.setIrqs(SET, VfioUserClient.LINE, 0, 1, NO_DATA, event)).isZero();
                assertThat(log.told("descriptors")).singleElement().asString().contains("greedy does not get 1 more",
                        "of the 6 of this process", "ulimit -n");
            }
        }
    }

    @Test
    void oneThatIsReplacedOrRefusedIsGivenBack() throws Exception {
        try (VfioUserClient client = greedy.agreed();
                VfioUserClient neighbour = clean.agreed();
                GuestRam ram = GuestRam.single(RAM, 1);
                Fd event = EventFd.create()) {
            for (int i = 0; i < 3 * DESCRIPTORS; i++) {
                assertThat(client.setIrqs(SET, VfioUserClient.LINE, 0, 1, NO_DATA, event)).isZero();
                awaitUsed(1);
                assertThat(client.setIrqs(SET, VfioUserClient.LINE, 0, 1, NO_DATA, ram.file())).isNotZero();
                awaitUsed(1);
            }
            assertThat(neighbour.setIrqs(SET, VfioUserClient.LINE, 0, 1, NO_DATA, event)).isZero();
        }
    }
}
