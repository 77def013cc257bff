package sluice.vdev.serve;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that does not return from a call: it is named in the log, and its neighbour goes on. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class StalledDeviceTest {
    private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(50);
    private static final String TOLD = "stuck: the device has not returned from a call for ";

    @TempDir
    private Path folder;

    /** A write to its register does not return before it is let go. */
    private static final class Stuck implements PciFunction, DeviceProvider {
        private final List<Bar> bars = List.of(Bar.registers(0, 4096));
        private final ConfigSpace config = new ConfigLayout(0x1234, 0x5678, 0, 0).bars(bars).build();
        private final CountDownLatch free = new CountDownLatch(1);
        private final String name;

        Stuck(String name) {
            this.name = name;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String description() {
            return "Does not return.";
        }

        @Override
        public List<DeviceOption> options() {
            return List.of();
        }

        @Override
        public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) {
            return new ProvidedDevice.Function(this);
        }

        @Override
        public ConfigSpace config() {
            return config;
        }

        @Override
        public List<Bar> bars() {
            return bars;
        }

        @Override
        public void start(FunctionContext context) {
            // It needs nothing.
        }

        @Override
        public long read(int bar, long offset, int size) {
            return 7;
        }

        @Override
        public void write(int bar, long offset, int size, long value) {
            try {
                assertThat(free.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void reset() {
            // It has no state.
        }
    }

    private DeviceServer serve(ServerProcess process, Stuck device) throws Exception {
        DeviceServer server = DeviceServer.make(device, new DeviceOptions(Map.of()), device.name(), process);
        server.listen(BoundSocket.listen(folder.resolve(device.name()), SocketAccess.OWNER));
        return server;
    }

    private VfioUserClient connect(Stuck device) throws Exception {
        VfioUserClient client = new VfioUserClient(UnixSocket.connect(folder.resolve(device.name())));
        client.agree();
        return client;
    }

    @Test
    void itIsNamedOnceAndItsNeighbourGoesOn() throws Exception {
        Stuck device = new Stuck("stuck");
        Stuck beside = new Stuck("beside");
        try (LogTap log = new LogTap();
                ServerProcess process = new ServerProcess(DmaCore.open(DmaCoreOptions.counting()));
                DeviceServer server = serve(process, device);
                DeviceServer neighbour = serve(process, beside);
                VfioUserClient client = connect(device);
                VfioUserClient other = connect(beside)) {
            assertThat(client.read32(0, 0)).isEqualTo(7);
            server.tellIfStalled(PATIENCE);
            assertThat(log.count(TOLD)).as("nothing waits").isZero();
            client.post(VfioUserClient.REGION_WRITE, VfioUserClient.NO_REPLY,
                    VfioUserClient.body(20).putLong(0).putInt(0).putInt(4).putInt(1).flip());
            Deadline.in(Deadline.USUAL).require(() -> {
                server.tellIfStalled(PATIENCE);
                return log.count(TOLD) > 0;
            }, "a line in the log");
            server.tellIfStalled(PATIENCE);
            neighbour.tellIfStalled(PATIENCE);
            assertThat(log.count("the device has not returned from a call for ")).as("once, and of one device")
                    .isEqualTo(1);
            assertThat(other.read32(0, 0)).isEqualTo(7);
            device.free.countDown();
            assertThat(client.read32(0, 0)).isEqualTo(7);
        }
    }
}
