package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.GrabberDriver;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.plugin.DeviceOptions;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;

/** What {@code --inject} does to a PCI function, each fault as a user writes it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GrabberInjectionLoopbackTest {
    private static final long BUS = 0x1000_0000;
    private static final int WIDTH = 768;
    private static final int FRAME_BYTES = WIDTH * 576;
    private static final int PAGE = 4096;

    @TempDir
    private Path folder;
    private final ServerProcess process = new ServerProcess(DmaCore.open(DmaCoreOptions.counting()));

    @AfterEach
    void end() {
        process.close();
    }

    private interface Guest {
        void run(VfioUserClient client, GuestRam ram) throws Exception;
    }

    /** A guest and a grabber with this fault; the statistics when it has ended. */
    private JsonObject with(String fault, Guest guest) throws Exception {
        Path socket = folder.resolve("grabber.sock");
        Path statistics = folder.resolve("statistics.json");
        DeviceOptions options = new DeviceOptions(Map.of("fps", List.of("200"), "stats",
                List.of(statistics.toString()), "inject", List.of(fault)));
        try (DeviceServer server = DeviceServer.make(new GrabberProvider(), options, "grabber", process)) {
            server.listen(BoundSocket.listen(socket, SocketAccess.OWNER));
            try (VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
                    GuestRam ram = GuestRam.single(FRAME_BYTES, 1)) {
                client.agree();
                guest.run(client, ram);
            }
        }
        return JsonParser.parseString(Files.readString(statistics)).getAsJsonObject();
    }

    private static int map(VfioUserClient client, GuestRam ram) throws IOException {
        return client.map(BUS, FRAME_BYTES, 0, MAP_READ | MAP_WRITE, ram.file());
    }

    /** Nanoseconds until the first picture. */
    private static long picture(VfioUserClient client, GuestRam ram) throws IOException {
        assertThat(map(client, ram)).isZero();
        try (GrabberDriver driver = new GrabberDriver(client)) {
            long begun = System.nanoTime();
            driver.start(BUS, WIDTH);
            driver.awaitPicture();
            long taken = System.nanoTime() - begun;
            driver.stop();
            return taken;
        }
    }

    @Test
    void deny() throws Exception {
        JsonObject report = with("deny,access=write,from=3,count=1", GrabberInjectionLoopbackTest::picture);
        assertThat(report.getAsJsonObject("faults")).hasToString("{\"DENIED\":1}");
        assertThat(report.get("addressErrors").getAsInt()).isEqualTo(1);
    }

    @Test
    void poison() throws Exception {
        long last = BUS + FRAME_BYTES - 1;
        JsonObject report = with("poison,first=0x%x,last=0x%x".formatted(last - PAGE + 1, last),
                GrabberInjectionLoopbackTest::picture);
        assertThat(report.getAsJsonObject("faults").get("POISONED").getAsInt()).isPositive();
        assertThat(report.get("addressErrors").getAsInt()).isPositive();
    }

    @Test
    void delay() throws Exception {
        long[] taken = new long[1];
        JsonObject report = with("delay,ms=100,count=3", (client, ram) -> taken[0] = picture(client, ram));
        assertThat(taken[0]).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(300));
        assertThat(report.getAsJsonObject("faults").entrySet()).isEmpty();
        assertThat(report.get("frames").getAsInt()).isPositive();
    }

    @Test
    void failMap() throws Exception {
        JsonObject report = with("fail-map,from=2,count=1", (client, ram) -> {
            assertThat(client.map(0, PAGE, 0, MAP_READ, ram.file())).isZero();
            assertThat(map(client, ram)).isEqualTo(Errno.ENOMEM);
            picture(client, ram);
        });
        assertThat(report.getAsJsonObject("space").get("maps").getAsInt()).isEqualTo(2);
        assertThat(report.get("frames").getAsInt()).isPositive();
    }
}
