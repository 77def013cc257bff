package sluice.vdev.serve;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.GrabberDriver;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.vfg7350.EncoderDriver;
import sluice.vdev.vfg7350.Vfg7350Provider;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;

/** What goes wrong between a PCI function and its machine, and what a driver of it sees. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FaultLoopbackTest {
    private static final int PAGE = 4096;
    private static final byte OVERRUN = (byte) 0xa5;
    /** How long something must not come. */
    private static final Duration MOMENT = Duration.ofMillis(100);

    private interface Guest<D> {
        void run(D driver, VfioUserClient client, GuestRam ram) throws Exception;
    }

    /** An encoder card with a fault, whose memory is mapped; how often what went wrong. */
    private static JsonObject encoder(String fault, Guest<EncoderDriver> guest) throws Exception {
        ServedDevice device = new ServedDevice(new Vfg7350Provider(), "numbered", "", "bit-rate", "100000000", "inject",
                fault);
        try (VfioUserClient client = device.client();
                GuestRam ram = GuestRam.single(EncoderDriver.RAM, 1);
                EncoderDriver driver = new EncoderDriver(client, ram)) {
            assertThat(client.map(0, EncoderDriver.RAM, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
            driver.stream();
            driver.give();
            guest.run(driver, client, ram);
        }
        return JsonParser.parseString(device.end()).getAsJsonObject();
    }

    private static long injected(JsonObject report, String fault) {
        return report.getAsJsonObject("injected").get("--inject=" + fault).getAsLong();
    }

    private static void awaitDone(EncoderDriver driver) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return driver.isDone();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "the end of a buffer");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "lost-interrupt,count=1", "lost-interrupt,vector=line,count=1" })
    void aForgottenInterruptOfTheLineIsNotMadeUpFor(String fault) throws Exception {
        JsonObject report = encoder(fault, (driver, client, ram) -> {
            awaitDone(driver);
            assertThat(driver.arrived(0)).isTrue();
            assertThat(Deadline.in(MOMENT).await(driver::interrupted)).isFalse();
            driver.acknowledge();
            driver.give();
            driver.awaitBuffer();
            assertThat(driver.arrived(1)).isTrue();
        });
        assertThat(injected(report, fault)).isEqualTo(1);
    }

    @Test
    void aLateInterruptOfTheLineComes() throws Exception {
        JsonObject report = encoder("late-interrupt,ms=1000,count=1", (driver, client, ram) -> {
            awaitDone(driver);
            assertThat(driver.interrupted()).isFalse();
            driver.awaitBuffer();
        });
        assertThat(injected(report, "late-interrupt,ms=1000,count=1")).isEqualTo(1);
    }

    /** As a level that is taken back before it is seen. */
    @Test
    void aLateInterruptThatTheDriverDidNotWaitForNeverComes() throws Exception {
        encoder("late-interrupt,ms=1500,count=1", (driver, client, ram) -> {
            awaitDone(driver);
            driver.stop();
            driver.acknowledge();
            assertThat(Deadline.in(Duration.ofMillis(1700)).await(driver::interrupted)).isFalse();
        });
    }

    @Test
    void anotherVectorsFaultDoesNotConcernTheLine() throws Exception {
        JsonObject report = encoder("lost-interrupt,vector=0", (driver, client, ram) -> driver.awaitBuffer());
        assertThat(report.getAsJsonObject("injected").has("--inject=lost-interrupt,vector=0")).isFalse();
    }

    @Test
    void aShortWriteLacksItsEnd() throws Exception {
        JsonObject report = encoder("short-write,bytes=188,from=3,count=1", (driver, client, ram) -> {
            byte[] before = driver.pages(0);
            driver.awaitBuffer();
            byte[] expected = EncoderDriver.expected(0);
            System.arraycopy(before, EncoderDriver.BYTES - 188, expected, EncoderDriver.BYTES - 188, 188);
            assertThat(Arrays.copyOf(driver.pages(0), EncoderDriver.BYTES)).isEqualTo(expected);
        });
        assertThat(injected(report, "short-write,bytes=188,from=3,count=1")).isEqualTo(1);
        assertThat(report.get("addressErrors").getAsInt()).as("the card does not know").isZero();
    }

    @Test
    void anOverrunGoesOnBehindTheBuffer() throws Exception {
        JsonObject report = encoder("overrun,bytes=64,from=3,count=1", (driver, client, ram) -> {
            byte[] before = driver.pages(0);
            driver.awaitBuffer();
            assertThat(driver.arrived(0)).isTrue();
            byte[] after = driver.pages(0);
            Arrays.fill(before, EncoderDriver.BYTES, EncoderDriver.BYTES + 64, OVERRUN);
            assertThat(Arrays.copyOfRange(after, EncoderDriver.BYTES, after.length))
                    .isEqualTo(Arrays.copyOfRange(before, EncoderDriver.BYTES, before.length));
        });
        assertThat(injected(report, "overrun,bytes=64,from=3,count=1")).isEqualTo(1);
    }

    @Test
    void aMappingThatIsRevokedInUseFaultsUntilItIsMadeAnew() throws Exception {
        // Reads and writes of pages, each of which is an access: the second piece's write.
        JsonObject report = encoder("revoke,access=write,from=2,count=1", (driver, client, ram) -> {
            byte[] before = driver.pages(0);
            driver.awaitBuffer();
            byte[] after = driver.pages(0);
            assertThat(Arrays.copyOf(after, PAGE)).as("the first page").isEqualTo(
                    Arrays.copyOf(EncoderDriver.expected(0), PAGE));
            assertThat(Arrays.copyOfRange(after, PAGE, after.length)).isEqualTo(
                    Arrays.copyOfRange(before, PAGE, before.length));
            driver.give();
            driver.awaitBuffer();
            assertThat(driver.arrived(1)).as("its table is revoked, too").isFalse();
            assertThat(client.unmap(0, EncoderDriver.RAM)).as("it ends as always").isZero();
            assertThat(client.map(0, EncoderDriver.RAM, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
            driver.give();
            driver.awaitBuffer();
            assertThat(driver.arrived(2)).isTrue();
        });
        assertThat(injected(report, "revoke,access=write,from=2,count=1")).isEqualTo(1);
        assertThat(report.getAsJsonObject("faults").get("REVOKED").getAsInt()).isEqualTo(2);
        assertThat(report.get("addressErrors").getAsInt()).isEqualTo(2);
    }

    // ---- the grabber, whose buffers are mapped one by one

    private static final long BUS = 0x1000_0000;
    private static final int WIDTH = 768;
    private static final int LINES = 576;
    private static final int FRAME_BYTES = WIDTH * LINES;

    /** One picture of a grabber with a fault. */
    private static JsonObject grabber(String fault, Guest<GrabberDriver> guest) throws Exception {
        ServedDevice device = new ServedDevice(new GrabberProvider(), "fps", "100", "inject", fault);
        try (VfioUserClient client = device.client();
                GuestRam ram = GuestRam.single(FRAME_BYTES + PAGE, 1);
                GrabberDriver driver = new GrabberDriver(client)) {
            guest.run(driver, client, ram);
        }
        return JsonParser.parseString(device.end()).getAsJsonObject();
    }

    private static int map(VfioUserClient client, GuestRam ram, long length) throws IOException {
        return client.map(BUS, length, 0, MAP_READ | MAP_WRITE, ram.file());
    }

    private static void picture(GrabberDriver driver) throws IOException {
        driver.start(BUS, WIDTH);
        driver.awaitPicture();
        driver.stop();
    }

    private static byte[] bytes(GuestRam ram, long from, int length) {
        return ram.memory().asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] line(int y) {
        byte[] line = new byte[WIDTH];
        for (int x = 0; x < WIDTH; x++) line[x] = (byte) (x ^ 3 * y);
        if (y == 0) Arrays.fill(line, 0, Integer.BYTES, (byte) 0);
        return line;
    }

    @Test
    void aLineOfAPictureIsMissing() throws Exception {
        JsonObject report = grabber("short-write,bytes=768,from=2,count=1", (driver, client, ram) -> {
            assertThat(map(client, ram, FRAME_BYTES)).isZero();
            byte[] before = bytes(ram, 2 * WIDTH, WIDTH);
            picture(driver);
            assertThat(bytes(ram, 0, WIDTH)).isEqualTo(line(0));
            assertThat(bytes(ram, 2 * WIDTH, WIDTH)).as("the second line of the first field").isEqualTo(before);
            assertThat(bytes(ram, 4 * WIDTH, WIDTH)).isEqualTo(line(4));
        });
        assertThat(injected(report, "short-write,bytes=768,from=2,count=1")).isEqualTo(1);
    }

    /** A write beyond what the VM has given is a fault, and touches nothing. */
    @ParameterizedTest
    @CsvSource({ "0, 1", "4096, 0" })
    void anOverrunReachesNoFurtherThanTheMapping(int more, int faults) throws Exception {
        JsonObject report = grabber("overrun,bytes=16,from=576,count=1", (driver, client, ram) -> {
            assertThat(map(client, ram, FRAME_BYTES + more)).isZero();
            byte[] behind = bytes(ram, FRAME_BYTES, PAGE);
            picture(driver);
            assertThat(bytes(ram, FRAME_BYTES - WIDTH, WIDTH)).isEqualTo(line(LINES - 1));
            if (faults == 0) Arrays.fill(behind, 0, 16, OVERRUN);
            assertThat(bytes(ram, FRAME_BYTES, PAGE)).isEqualTo(behind);
        });
        assertThat(injected(report, "overrun,bytes=16,from=576,count=1")).isEqualTo(1);
        assertThat(report.getAsJsonObject("faults").has("NOT_MAPPED")).isEqualTo(faults > 0);
        assertThat(report.get("addressErrors").getAsInt()).isZero();
    }

    @Test
    void aMapFailsWithTheErrnoThatIsAskedFor() throws Exception {
        JsonObject report = grabber("fail-map,errno=ENOSPC,every=2,count=2", (driver, client, ram) -> {
            assertThat(map(client, ram, FRAME_BYTES)).isEqualTo(Errno.ENOSPC);
            assertThat(map(client, ram, FRAME_BYTES)).isZero();
            assertThat(client.unmap(BUS, FRAME_BYTES)).isZero();
            assertThat(map(client, ram, FRAME_BYTES)).isEqualTo(Errno.ENOSPC);
            for (int i = 0; i < 4; i++) {
                assertThat(map(client, ram, FRAME_BYTES)).isZero();
                assertThat(client.unmap(BUS, FRAME_BYTES)).isZero();
            }
        });
        assertThat(injected(report, "fail-map,errno=ENOSPC,every=2,count=2")).isEqualTo(2);
    }

    @Test
    void anUnmapThatFailsLeavesItsRange() throws Exception {
        JsonObject report = grabber("fail-unmap,errno=EBUSY,count=1", (driver, client, ram) -> {
            assertThat(map(client, ram, FRAME_BYTES)).isZero();
            assertThat(client.unmap(BUS, FRAME_BYTES)).isEqualTo(Errno.EBUSY);
            picture(driver);
            assertThat(bytes(ram, 0, WIDTH)).as("the device still reaches it").isEqualTo(line(0));
            assertThat(client.unmap(BUS, FRAME_BYTES)).isZero();
            assertThat(client.unmap(BUS, FRAME_BYTES)).isEqualTo(Errno.ENOENT);
        });
        assertThat(injected(report, "fail-unmap,errno=EBUSY,count=1")).isEqualTo(1);
    }

    /** The same seed loses the same interrupts; one that was not given is printed, and part of the fault's name. */
    @Test
    void chanceIsPrinted() throws Exception {
        try (LogTap log = new LogTap()) {
            JsonObject report = grabber("late-interrupt,ms=1,one-in=1000000", (driver, client, ram) -> {
                assertThat(map(client, ram, FRAME_BYTES)).isZero();
                picture(driver);
            });
            assertThat(report.has("injected")).isTrue();
            List<String> told = log.told("grabber: --inject=late-interrupt,ms=1,one-in=1000000,seed=");
            assertThat(told).singleElement().asString().matches(".*,seed=\\d+");
        }
    }
}
