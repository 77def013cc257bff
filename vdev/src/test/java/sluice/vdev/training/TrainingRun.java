package sluice.vdev.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;

/**
 * Drives the devices of a Sluice process as a guest that boots and draws: {@code TrainingRun GPU PCI_GPU FUNCTION...}, the sockets
 * of a GPU over vhost-user, one over vfio-user, and any other functions. The launcher runs it beside a process with {@code
 * -XX:AOTCacheOutput}, so the cache has the classes that devices use and the profiles of their inner loops.
 */
public final class TrainingRun {
    private static final int WIDTH = 1920;
    private static final int HEIGHT = 1080;
    private static final int PIXEL = 4;
    private static final long MIB = 1L << 20;
    private static final int FRAMES = 150;
    private static final int UPDATES = 1500;
    private static final int COMMANDS = 4000;
    private static final int BATCH = 32;
    private static final int ATTACHES = 60;
    private static final int SMALL = 64;
    private static final int SEED = 1;
    private static final int CONTROL_SIZE = 64;
    private static final int CURSOR_SIZE = 16;

    private final int divisor;

    private TrainingRun(int divisor) {
        this.divisor = divisor;
    }

    public static void main(String[] sockets) throws IOException {
        drive(1, sockets);
    }

    /** The same in small: as many frames and commands, divided by {@code divisor}. */
    public static void drive(int divisor, String... sockets) throws IOException {
        TrainingRun run = new TrainingRun(divisor);
        run.overVhostUser(Path.of(sockets[0]));
        run.overVfioUser(Path.of(sockets[1]));
        for (int i = 2; i < sockets.length; i++) look(Path.of(sockets[i]));
    }

    private void overVhostUser(Path socket) throws IOException {
        try (GuestRam ram = GuestRam.single(64 * MIB, SEED);
                DisplayPeer display = DisplayPeer.open(1, WIDTH, HEIGHT);
                DeviceSession session = new DeviceSession(new FrontEnd(UnixSocket.connect(socket)), ram,
                        DeviceSession.Profile.qemu11(), CONTROL_SIZE, CURSOR_SIZE)) {
            display.allowHangUp();
            session.attach();
            session.start(display.backEndSide());
            display.backEndSide().close();
            draw(new GpuDriver(session), ram);
        }
    }

    private void overVfioUser(Path socket) throws IOException {
        VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
        client.agree();
        try (GuestRam ram = GuestRam.single(64 * MIB, SEED);
                VirtioPciSession session = new VirtioPciSession(client, ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_INDIRECT | VhostUserBits.F_EVENT_IDX,
                        CONTROL_SIZE, CURSOR_SIZE)) {
            session.attach();
            session.start(null);
            draw(new GpuDriver(session), ram);
        }
    }

    /** What the first seconds of a guest are: its display is asked for, and pictures are drawn, whole and in parts. */
    private void draw(GpuDriver driver, GuestRam ram) throws IOException {
        driver.getDisplayInfo();
        GpuRect all = GpuRect.of(WIDTH, HEIGHT);
        List<Buffer> scattered = ram.allocateScattered((long) WIDTH * HEIGHT * PIXEL);
        driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT).ok();
        driver.attachBacking(1, scattered).ok();
        driver.setScanout(0, 1, all).ok();
        for (int i = 0; i < FRAMES / divisor; i++) {
            driver.transferToHost2d(1, all, 0).ok();
            driver.flush(1, all).ok();
        }
        for (int i = 0; i < UPDATES / divisor; i++) {
            GpuRect part = new GpuRect(i * SMALL % (WIDTH - SMALL), i % (HEIGHT - SMALL), SMALL, SMALL);
            driver.transferToHost2d(1, part, ((long) part.y() * WIDTH + part.x()) * PIXEL).ok();
            driver.flush(1, part).ok();
        }
        inBatches(driver);
        for (int i = 0; i < ATTACHES / divisor; i++) {
            driver.detachBacking(1).ok();
            driver.attachBacking(1, scattered).ok();
        }
        driver.unref(1).ok();
    }

    private void inBatches(GpuDriver driver) throws IOException {
        driver.createResource2d(2, GpuWire.FORMAT_B8G8R8A8, 1, 1).ok();
        for (int i = 0; i < COMMANDS / divisor; i += BATCH) {
            List<GpuDriver.Pending> batch = new ArrayList<>();
            for (int k = 0; k < BATCH; k++) {
                ByteBuffer command = GpuCommands.flush(2, GpuRect.of(1, 1));
                batch.add(driver.add(command, GpuWire.HDR_BYTES));
            }
            driver.control().publish();
            for (GpuDriver.Pending one : batch) driver.await(one).ok();
        }
        driver.unref(2).ok();
    }

    /** What firmware and a kernel do with a PCI function before a driver is loaded. */
    private static void look(Path socket) throws IOException {
        try (VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket))) {
            client.agree();
            for (int at = 0; at < 256; at += PIXEL) client.read32(VfioUserClient.CONFIG_REGION, at);
        }
    }
}
