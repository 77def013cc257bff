package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.Grabber;
import sluice.vdev.grabber.TestPattern;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.pci.FunctionContext;
import sluice.vdev.pci.PciFunction;
import sluice.vdev.queue.Virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** When a process that serves devices ends, and what it has given back by then. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ServerProcessTest {
    private static final int LIMIT_SECONDS = 10;
    private static final DmaCore CORE = DmaCore.open(DmaCoreOptions.counting());

    @TempDir
    private Path folder;

    private final AtomicInteger closed = new AtomicInteger();

    /** A virtio device with a queue and nothing behind it: an entropy source that has run dry. */
    private final class Quiet implements VirtioDevice {
        @Override
        public int virtioId() {
            return 4;
        }

        @Override
        public long features() {
            return 0;
        }

        @Override
        public int queueCount() {
            return 1;
        }

        @Override
        public int configSize() {
            return 0;
        }

        @Override
        public void readConfig(int offset, byte[] target) {
            // There is none: what the front-end gets is zeros.
        }

        @Override
        public void writeConfig(int offset, byte[] value) {
            throw new AssertionError("there is nothing to write");
        }

        @Override
        public void start(long features, DeviceContext context) {
            throw new AssertionError("no driver is here");
        }

        @Override
        public void startQueue(int index, Virtqueue queue) {
            throw new AssertionError("no driver is here");
        }

        @Override
        public void stopQueue(int index) {
            throw new AssertionError("no driver is here");
        }

        @Override
        public void notified(int index) {
            throw new AssertionError("no driver is here");
        }

        @Override
        public void reset() {
            // It has no state.
        }

        @Override
        public void close() {
            closed.incrementAndGet();
        }
    }

    /** A function that cannot be closed. */
    private static final class Stubborn implements PciFunction, AutoCloseable {
        private final ConfigSpace config = new ConfigLayout(1, 2, 0, 0).build();

        @Override
        public String name() {
            return "stubborn";
        }

        @Override
        public ConfigSpace config() {
            return config;
        }

        @Override
        public List<Bar> bars() {
            return List.of();
        }

        @Override
        public void start(FunctionContext context) {
            // It needs nothing.
        }

        @Override
        public long read(int bar, long offset, int size) {
            return 0;
        }

        @Override
        public void write(int bar, long offset, int size, long value) {
            throw new AssertionError("it has no registers");
        }

        @Override
        public void reset() {
            // It has no state.
        }

        @Override
        public void close() {
            throw new IllegalStateException("no");
        }
    }

    private static CompletableFuture<Void> run(ServerProcess process) {
        return CompletableFuture.runAsync(() -> {
            try {
                process.run();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }, task -> Thread.ofPlatform().start(task));
    }

    @Test
    void itEndsWhenTheLastInheritedSocketDoes() throws Exception {
        int before = Fd.openCount();
        UnixSocket.Pair first = UnixSocket.pair();
        UnixSocket.Pair second = UnixSocket.pair();
        try (ServerProcess process = new ServerProcess()) {
            process.add(EndpointServer.of("quiet", new Quiet(), process.control(), CORE),
                    new DeviceSocket.Inherited(first.second()));
            process.add(
                    EndpointServer.of(new Grabber(new TestPattern(), 25), process.control(), CORE, Stream.COHERENT,
                            List.of(),
                            host -> EndpointServer.NOTHING),
                    new DeviceSocket.Inherited(second.second()));
            CompletableFuture<Void> running = run(process);
            try (VfioUserClient grabber = new VfioUserClient(second.first())) {
                grabber.agree();
                try (FrontEnd quiet = new FrontEnd(first.first())) {
                    assertThat(quiet.getQueueNum()).isEqualTo(1);
                }
                // The other device is still answering when the first has gone.
                assertThat(grabber.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x12238086);
                assertThat(running).isNotDone();
            }
            running.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        assertThat(closed).hasValue(1);
        Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= before, "the end of all descriptors");
    }

    @Test
    void aVirtioDeviceListensAndSaysHowToAttachIt() throws Exception {
        Path socket = folder.resolve("a,b.sock");
        FrontEnd front;
        try (ServerProcess process = new ServerProcess()) {
            EndpointServer server = EndpointServer.of("quiet", new Quiet(), process.control(), CORE);
            assertThat(server.hint(socket)).contains("path=" + folder + "/a,,b.sock ",
                    "-device vhost-user-test-device-pci,chardev=vdev,virtio-id=4,num_vqs=1,config_size=0");
            process.add(server, new DeviceSocket.Listening(socket));
            front = new FrontEnd(UnixSocket.connect(socket));
            assertThat(front.getQueueNum()).isEqualTo(1);
        }
        try (front) {
            assertThat(front.closedWithin(Deadline.USUAL)).isTrue();
        }
        assertThat(socket).doesNotExist();
        assertThat(closed).hasValue(1);
    }

    @Test
    void aVirtioDeviceIsAPciFunctionToo() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (ServerProcess process = new ServerProcess();
                VfioUserClient client = new VfioUserClient(pair.first())) {
            process.add(EndpointServer.onPci("quiet", new Quiet(), process.control(), CORE),
                    new DeviceSocket.Inherited(pair.second()));
            client.agree();
            assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x10441af4);
        }
        assertThat(closed).hasValue(1);
    }

    @Test
    void aDeviceThatCannotBeClosedIsToldOf() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (ServerProcess process = new ServerProcess()) {
            process.add(
                    EndpointServer.of(new Stubborn(), process.control(), CORE, Stream.COHERENT, List.of(),
                            host -> EndpointServer.NOTHING),
                    new DeviceSocket.Inherited(pair.second()));
            CompletableFuture<Void> running = run(process);
            pair.first().close();
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> running.get(LIMIT_SECONDS, TimeUnit.SECONDS)).withStackTraceContaining(
                            "stubborn could not be closed: java.lang.IllegalStateException: no");
        }
    }
}
