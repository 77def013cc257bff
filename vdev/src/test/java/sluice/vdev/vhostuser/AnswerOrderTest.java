package sluice.vdev.vhostuser;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.IotlbMessage;
import sluice.vdev.fixture.TestDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A front-end answers on two sockets, in one order: "no" on the one, then an entry for the next question on the other. Read the
 * other way round, the entry, which claims read and write as QEMU's do, would be taken for the first question's.
 */
@Timeout(60)
class AnswerOrderTest {
    private static final int GET_CONFIG = 24;
    private static final int READ_WRITE = 3;
    private static final int PAGE = 4096;
    private static final int REFUSED = 1;

    private final IoEventLoop control = Loops.start("order-control");
    private final IoEventLoop loop = Loops.start("order-device");
    private final Slow device = new Slow();
    private final DeviceHost host = new DeviceHost(device, new HostLoop("slow", loop));
    private final Semaphore gone = new Semaphore(0);

    /** Keeps the control loop while it is asked for its configuration. */
    private static final class Slow extends TestDevice {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        volatile @Nullable DeviceContext given;

        Slow() {
            super(1);
        }

        @Override
        public int configSize() {
            return 8;
        }

        @Override
        public void readConfig(int offset, byte[] target) {
            asked.countDown();
            try {
                if (!goOn.await(10, TimeUnit.SECONDS)) throw new IllegalStateException("kept for ever");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void start(long features, DeviceContext context) {
            super.start(features, context);
            given = context;
        }
    }

    private Outcome resolve(long page, Access access) throws Exception {
        return loop.submit(() -> {
            DeviceContext present = device.given;
            if (present == null) throw new AssertionError("the device was not started");
            FrontTranslation memory = present.memory();
            return memory.resolve(page, 1, access, new Runs(), new Result());
        }).get(10, TimeUnit.SECONDS);
    }

    @Test
    void aRefusalThatWasGivenFirstIsTakenFirst() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        BackEnd backEnd = new BackEnd(host, FileMappings.ofProcess(), null);
        control.execute(() -> backEnd.serve(pair.second(), control, gone::release));
        try (FrontEnd frontEnd = new FrontEnd(pair.first());
                BackEndChannel questions = BackEndChannel.open();
                GuestRam ram = GuestRam.single(1 << 20, 1)) {
            frontEnd.getFeatures();
            frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK | VhostUserBits.P_BACKEND_REQ);
            frontEnd.acknowledge(true);
            frontEnd.setBackendReqFd(questions.backEndSide());
            frontEnd.setMemTable(ram);
            frontEnd.setFeatures(VhostUserBits.F_VERSION_1 | VhostUserBits.F_PROTOCOL_FEATURES
                    | VhostUserBits.F_ACCESS_PLATFORM);
            long page = 0x7000_0000;
            assertThat(resolve(page, Access.WRITE)).isEqualTo(Outcome.MISS);
            assertThat(resolve(page, Access.READ)).isEqualTo(Outcome.MISS);
            BackEndChannel.Request write = questions.receive(Deadline.USUAL);
            BackEndChannel.Request read = questions.receive(Deadline.USUAL);
            frontEnd.send(GET_CONFIG, FrontEnd.VERSION, config());
            assertThat(device.asked.await(10, TimeUnit.SECONDS)).isTrue();
            questions.reply(write, REFUSED);
            frontEnd.acknowledge(false);
            frontEnd.iotlb(new IotlbMessage(page, PAGE, ram.regions().getFirst().userAddress(), READ_WRITE,
                    IotlbMessage.UPDATE));
            questions.reply(read, 0);
            device.goOn.countDown();
            assertThat(frontEnd.receiveRaw(Deadline.USUAL)).as("the configuration").isPresent();
            frontEnd.getFeatures(); // what came before is on the device's loop
            assertThat(resolve(page, Access.WRITE)).isEqualTo(Outcome.FAULT);
            assertThat(resolve(page, Access.READ)).isEqualTo(Outcome.RESOLVED);
        }
        assertThat(gone.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
        Loops.stop(control);
        Loops.stop(loop);
    }

    private static ByteBuffer config() {
        return ByteBuffer.allocate(12 + 8).order(ByteOrder.nativeOrder()).putInt(0, 0).putInt(4, 8);
    }
}
