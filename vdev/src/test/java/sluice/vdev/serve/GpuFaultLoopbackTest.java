package sluice.vdev.serve;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.display.GpuProvider;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.plugin.WrongOptionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What goes wrong between a GPU and its machine, over either transport, and what its driver sees. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GpuFaultLoopbackTest {
    private static final int SIDE = 64;
    private static final int PAGES = 4;

    private interface Guest {
        void run(GpuDriver driver, VirtioSession session, GuestRam ram) throws Exception;
    }

    private static JsonObject with(String transport, String fault, Guest guest) throws Exception {
        ServedDevice device = new ServedDevice(new GpuProvider(), "transport", transport, "inject", fault);
        try (GuestRam ram = GuestRam.single(4 << 20, 1); VirtioSession session = session(device, transport, ram)) {
            session.attach();
            session.start(null);
            guest.run(new GpuDriver(session), session, ram);
        }
        return JsonParser.parseString(device.end()).getAsJsonObject();
    }

    private static VirtioSession session(ServedDevice device, String transport, GuestRam ram) throws IOException {
        return transport.equals("vhost-user")
                ? new DeviceSession(device.frontEnd(), ram, Profile.qemu10(), 64, 16)
                : new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 16);
    }

    private static long injected(JsonObject report, String fault) {
        return report.getAsJsonObject("injected").get("--inject=" + fault).getAsLong();
    }

    private static boolean transfers(GpuDriver driver) throws IOException {
        return driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).type() == GpuWire.RESP_OK_NODATA;
    }

    private static List<Buffer> create(GpuDriver driver, GuestRam ram) throws IOException {
        driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE).ok();
        return ram.allocateScattered(4L * SIDE * SIDE);
    }

    @ParameterizedTest
    @ValueSource(strings = { "vhost-user", "vfio-user" })
    void aBackingIsRevokedInUse(String transport) throws Exception {
        String fault = "revoke,from=%d,count=1".formatted(PAGES + 1);
        JsonObject report = with(transport, fault, (driver, session, ram) -> {
            List<Buffer> backing = create(driver, ram);
            driver.attachBacking(1, backing).ok();
            assertThat(transfers(driver)).isTrue();
            assertThat(transfers(driver)).as("revoked").isFalse();
            assertThat(transfers(driver)).as("and stays so").isFalse();
            driver.detachBacking(1).ok();
            driver.attachBacking(1, backing).ok();
            assertThat(transfers(driver)).as("attached anew").isTrue();
        });
        assertThat(injected(report, fault)).isEqualTo(1);
        assertThat(report.getAsJsonObject("faults")).hasToString("{\"REVOKED\":2}");
    }

    @ParameterizedTest
    @ValueSource(strings = { "vhost-user", "vfio-user" })
    void aMapFailsWithItsErrno(String transport) throws Exception {
        try (LogTap log = new LogTap()) {
            JsonObject report = with(transport, "fail-map,errno=ENODEV,count=1", (driver, session, ram) -> {
                List<Buffer> backing = create(driver, ram);
                assertThat(driver.attachBacking(1, backing).type()).isNotEqualTo(GpuWire.RESP_OK_NODATA);
                driver.attachBacking(1, backing).ok();
                assertThat(transfers(driver)).isTrue();
            });
            assertThat(injected(report, "fail-map,errno=ENODEV,count=1")).isEqualTo(1);
            assertThat(log.count("by rule --inject=fail-map,errno=ENODEV,count=1 (ENODEV)")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({ "vhost-user, 0", "vfio-user, 1" })
    void anInterruptIsForgotten(String transport, int vector) throws Exception {
        String fault = "lost-interrupt,vector=%d,count=1".formatted(vector);
        JsonObject report = with(transport, fault, (driver, session, ram) -> {
            GpuDriver.Pending first = driver.begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
            Deadline.in(Deadline.USUAL).require(session.queue(0).driver()::usedPending, "an answer");
            assertThat(session.queue(0).awaitInterrupt(Duration.ofMillis(100))).isFalse();
            // A driver that has a timeout looks. With EVENT_IDX it hears of nothing more before it has looked.
            driver.control().polling(true);
            driver.await(first);
            driver.control().polling(false);
            driver.getDisplayInfo();
        });
        assertThat(injected(report, fault)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "vhost-user", "vfio-user" })
    void anInterruptIsLate(String transport) throws Exception {
        JsonObject report = with(transport, "late-interrupt,ms=150,count=1", (driver, session, ram) -> {
            long begun = System.nanoTime();
            driver.getDisplayInfo();
            assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(Duration.ofMillis(150).toNanos());
            driver.getDisplayInfo();
        });
        assertThat(injected(report, "late-interrupt,ms=150,count=1")).isEqualTo(1);
    }

    @Test
    void anUnmapIsRefusedOverVfioUser() throws Exception {
        JsonObject report = with("vfio-user", "fail-unmap,count=1", (driver, session, ram) -> {
            VirtioPciSession pci = (VirtioPciSession) session;
            assertThat(pci.client().unmap(ram.regions().getFirst().guestAddress(),
                    ram.regions().getFirst().size())).isEqualTo(Errno.EIO);
            driver.getDisplayInfo();
        });
        assertThat(injected(report, "fail-unmap,count=1")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "vhost-user | fail-unmap | not available over vhost-user",
            "vhost-user | lost-interrupt,vector=line | not available over vhost-user",
            "vhost-user | short-write,bytes=4 | not supported: a virtio device writes no buffers",
            "vfio-user | overrun,bytes=4 | not supported: a virtio device writes no buffers",
            "vfio-user | drop-invalidation | not available over vfio-user" })
    void whatCannotHappenIsRefused(String transport, String fault, String sentence) {
        assertThatThrownBy(
                () -> new ServedDevice(new GpuProvider(), "transport", transport, "inject", fault).close())
                .isInstanceOf(WrongOptionException.class)
                .hasMessageStartingWith("gpu: --inject=" + fault + ": " + sentence);
    }
}
