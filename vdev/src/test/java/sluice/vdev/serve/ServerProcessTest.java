package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
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

    private static DeviceOptions options(String... namesAndValues) {
        Map<String, List<String>> values = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2)
            values.put(namesAndValues[i], List.of(namesAndValues[i + 1]));
        return new DeviceOptions(values);
    }

    private static DeviceOptions inherited(Fd socket, String... more) {
        Map<String, List<String>> values = options(more).all();
        values.put("fd", List.of(Integer.toString(socket.release())));
        return new DeviceOptions(values);
    }

    private Making quiet() {
        return new Making("quiet", new ProvidedDevice.Virtio(new Quiet()));
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
        try (ServerProcess process = new ServerProcess(CORE)) {
            process.add(quiet(), inherited(first.second()));
            process.add(new GrabberProvider(), inherited(second.second()));
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
        try (ServerProcess process = new ServerProcess(CORE);
                DeviceServer server = DeviceServer.make(quiet(), options(), "quiet", process)) {
            assertThat(server.hint(socket, false)).contains("path=" + folder + "/a,,b.sock ",
                    "-device vhost-user-test-device-pci,chardev=vdev,virtio-id=4,num_vqs=1,config_size=0");
            server.listen(BoundSocket.listen(socket, SocketAccess.OWNER));
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
        try (ServerProcess process = new ServerProcess(CORE)) {
            process.add(quiet(), inherited(pair.second(), "transport", "vfio-user"));
            CompletableFuture<Void> running = run(process);
            try (VfioUserClient client = new VfioUserClient(pair.first())) {
                client.agree();
                assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x10441af4);
            }
            running.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        assertThat(closed).hasValue(1);
    }

    /** Two of a kind have names of their own, and each has what it was given. */
    @Test
    void everyDeviceHasANameOfItsOwn() throws Exception {
        List<String> names = new ArrayList<>();
        DeviceProvider named = new DeviceProvider() {
            @Override
            public String name() {
                return "quiet";
            }

            @Override
            public String description() {
                return "Quiet.";
            }

            @Override
            public List<DeviceOption> options() {
                return List.of();
            }

            @Override
            public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
                names.add(environment.name());
                assertThat(environment.loop().name()).isEqualTo(environment.name());
                assertThat(environment.core()).isSameAs(CORE);
                return new ProvidedDevice.Virtio(new Quiet());
            }
        };
        try (ServerProcess process = new ServerProcess(CORE)) {
            for (int i = 0; i < 3; i++) process.add(named, options("socket-path", folder.resolve("s" + i).toString()));
        }
        assertThat(names).containsExactly("quiet", "quiet-2", "quiet-3");
        assertThat(closed).hasValue(3);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "coherency | non-coherent | does not report transfers of buffers",
            "inject | deny | has no address space of its own",
            "on-fault | zero | no address space of its own",
            "inject | stray-read,address=1 | not supported by this device",
            "poll-us | 1001 | give a number from 0 to 1000", "transport | pigeon | give vhost-user or vfio-user" })
    void whatADeviceCannotDoIsRefusedAndItIsClosed(String option, String value, String sentence) {
        try (ServerProcess process = new ServerProcess(CORE)) {
            assertThatExceptionOfType(WrongOptionException.class)
                    .isThrownBy(() -> process.add(quiet(),
                            options("socket-path", folder.resolve("s").toString(), option, value)))
                    .withMessageStartingWith("quiet: ").withMessageContaining(sentence);
        }
        assertThat(closed.get()).isLessThanOrEqualTo(1);
        assertThat(folder.resolve("s")).doesNotExist();
    }

    @Test
    void aDeviceThatCannotBeClosedIsToldOf() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (ServerProcess process = new ServerProcess(CORE)) {
            process.add(new Making("stubborn", new ProvidedDevice.Function(new Stubborn())),
                    inherited(pair.second()));
            CompletableFuture<Void> running = run(process);
            pair.first().close();
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> running.get(LIMIT_SECONDS, TimeUnit.SECONDS)).withStackTraceContaining(
                            "stubborn could not be closed: java.lang.IllegalStateException: no");
        }
    }

    /** A provider that does something while its device is being made. */
    private static DeviceProvider meanwhile(Callable<ProvidedDevice> making) {
        return new DeviceProvider() {
            @Override
            public String name() {
                return "late";
            }

            @Override
            public String description() {
                return "Late.";
            }

            @Override
            public List<DeviceOption> options() {
                return List.of();
            }

            @Override
            public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) throws IOException {
                try {
                    return making.call();
                } catch (IOException | RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }
        };
    }

    @Test
    void aFrontEndCanConnectWhileItsDeviceIsMade() throws Exception {
        Path socket = folder.resolve("early");
        AtomicReference<@Nullable Fd> early = new AtomicReference<>();
        CompletableFuture<Void> running;
        DeviceProvider late = meanwhile(() -> {
            early.set(UnixSocket.connect(socket));
            return new ProvidedDevice.Virtio(new Quiet());
        });
        try (ServerProcess process = new ServerProcess(CORE)) {
            process.add(late, options("socket-path", socket.toString()));
            running = run(process);
            Fd connected = early.get();
            if (connected == null) throw new AssertionError("the device was not made");
            try (FrontEnd front = new FrontEnd(connected)) {
                assertThat(front.getQueueNum()).isEqualTo(1);
            }
        }
        running.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertThat(socket).doesNotExist();
    }

    @Test
    void ifADeviceCannotBeMadeAllSocketsAreRemoved() throws Exception {
        int before = Fd.openCount();
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        DeviceProvider broken = meanwhile(() -> {
            assertThat(first).exists();
            assertThat(second).exists();
            throw new IOException("no");
        });
        List<DeviceCatalog.Chosen> both = List.of(
                new DeviceCatalog.Chosen(broken, options("socket-path", first.toString())),
                new DeviceCatalog.Chosen(quiet(), options("socket-path", second.toString())));
        try (ServerProcess process = new ServerProcess(CORE)) {
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> process.serve(both)).withMessage("no");
        }
        assertThat(first).doesNotExist();
        assertThat(second).doesNotExist();
        Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= before, "the end of all descriptors");
    }
}
