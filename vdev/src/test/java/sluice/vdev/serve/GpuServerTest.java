package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.display.GpuProvider;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.loopback.FrontIommuPeer;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

import static org.assertj.core.api.Assertions.assertThat;

/** A server that is closed in the middle of its work, in a process that goes on. */
class GpuServerTest {
    private static final int ROUNDS = 20;
    private static final int SIDE = 64;
    private static final int PAGE = 4096;
    private static final int PAGES = 4 * SIDE * SIDE / PAGE;

    @TempDir
    private Path folder;

    @Test
    void closingWithAGuestAttachedGivesEverythingBack() throws IOException {
        try (LogTap log = new LogTap()) {
            round(log);
            int before = Fd.openCount();
            for (int i = 0; i < ROUNDS; i++) {
                round(log);
                Deadline.requireOwned(before);
            }
        }
    }

    private final ServerProcess process = new ServerProcess(DmaCore.open(DmaCoreOptions.counting()));

    @AfterEach
    void end() {
        process.close();
    }

    private DeviceServer served(Path statistics, String... faults) throws IOException {
        Map<String, List<String>> options = new HashMap<>(Map.of("stats", List.of(statistics.toString()),
                "snapshot-dir", List.of(folder.toString()), "resolution", List.of("640x480")));
        if (faults.length > 0) options.put("inject", List.of(faults));
        try {
            return DeviceServer.make(new GpuProvider(), new DeviceOptions(options), "gpu", process);
        } catch (WrongOptionException e) {
            throw new AssertionError(e);
        }
    }

    private interface Guest {
        void draw(DeviceSession session, GuestRam ram, DisplayPeer display) throws IOException;
    }

    /** Draws with a GPU in which something goes wrong; its statistics at the end. */
    private JsonObject with(Profile profile, String fault, Guest guest) throws IOException {
        Path socket = folder.resolve("gpu.sock");
        Path statistics = folder.resolve("stats.json");
        DeviceServer server = served(statistics, fault);
        server.listen(BoundSocket.listen(socket, SocketAccess.OWNER));
        try (GuestRam ram = GuestRam.single(4 << 20, 1);
                DisplayPeer display = DisplayPeer.open(1, 640, 480);
                DeviceSession session = new DeviceSession(new FrontEnd(UnixSocket.connect(socket)), ram, profile, 64,
                        16)) {
            session.realize();
            guest.draw(session, ram, display);
            display.allowHangUp();
            server.close();
        }
        assertThat(server.failure()).isNull();
        return JsonParser.parseString(Files.readString(statistics)).getAsJsonObject();
    }

    private static void start(DeviceSession session, DisplayPeer display) throws IOException {
        session.start(display.backEndSide());
        display.backEndSide().close();
    }

    private static List<Buffer> resource(GpuDriver driver, GuestRam ram) throws IOException {
        driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE).ok();
        List<Buffer> backing = ram.allocateScattered(4L * SIDE * SIDE);
        driver.attachBacking(1, backing).ok();
        driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).ok();
        return backing;
    }

    @Test
    void aFaultOfItsOwnSpaceIsInjected() throws IOException {
        JsonObject report = with(Profile.qemu10(), "deny,access=read,from=%d,count=1".formatted(1 + PAGES),
                (session, ram, display) -> {
                    start(session, display);
                    GpuDriver driver = new GpuDriver(session);
                    resource(driver, ram);
                    assertThat(driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).type())
                            .isNotEqualTo(GpuWire.RESP_OK_NODATA);
                    driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).ok();
                });
        assertThat(report.getAsJsonObject("faults")).hasToString("{\"DENIED\":1}");
    }

    @Test
    void aFaultOfTheIommuInFrontIsInjected() throws IOException {
        Profile plain = Profile.qemu10();
        Profile behindIommu = new Profile(plain.protocolBits(), plain.driverFeatures(),
                plain.forcedFeatures() | VhostUserBits.F_ACCESS_PLATFORM, true, true);
        with(behindIommu, "drop-invalidation", (session, ram, display) -> {
            try (FrontIommuPeer iommu = new FrontIommuPeer(session, ram)) {
                start(session, display);
                GpuDriver driver = new GpuDriver(session);
                List<Buffer> backing = resource(driver, ram);
                int asked = iommu.misses().size();
                assertThat(asked).isPositive();
                iommu.invalidate(backing.getFirst().address() & -PAGE, PAGE);
                driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).ok();
                assertThat(iommu.misses()).as("what it goes on with is not asked for again").hasSize(asked);
            }
        });
    }

    private void round(LogTap log) throws IOException {
        Path socket = folder.resolve("gpu.sock");
        try (GuestRam ram = GuestRam.single(4 << 20, 1); DisplayPeer display = DisplayPeer.open(1, 640, 480)) {
            DeviceServer server = served(folder.resolve("stats.json"));
            server.listen(BoundSocket.listen(socket, SocketAccess.OWNER));
            try (DeviceSession session = new DeviceSession(new FrontEnd(UnixSocket.connect(socket)), ram,
                    Profile.qemu10(), 64, 16)) {
                session.realize();
                session.start(display.backEndSide());
                display.backEndSide().close();
                new GpuDriver(session).getDisplayInfo().outputs();
                display.allowHangUp();
                server.close();
                assertThat(session.frontEnd().closedWithin(Deadline.USUAL)).isTrue();
                assertThat(display.hungUpWithin(Deadline.USUAL)).isTrue();
            }
            assertThat(server.failure()).isNull();
            assertThat(socket).doesNotExist();
            log.requireNoInternalError();
        }
    }
}
