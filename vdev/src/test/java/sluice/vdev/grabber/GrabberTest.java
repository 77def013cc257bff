package sluice.vdev.grabber;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.vfiouser.FunctionProcess;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** The grabber's registers, as the driver of the real card uses them. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class GrabberTest {
    private static final long RAM = 4 << 20;
    private static final long FIRST = 0x10000;
    private static final long SECOND = 0x200000;
    private static final int ADDRESS_ERRORS = 0xc00;
    private static final int FAST = 500;

    private final Grabber grabber = new Grabber(new TestPattern(), FAST);
    private FunctionProcess process;
    private VfioUserClient client;
    private GuestRam ram;
    private GrabberDriver driver;

    @BeforeEach
    void start() throws IOException {
        process = new FunctionProcess(grabber);
        client = process.agreed();
        ram = GuestRam.single(RAM, 1);
        assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
        driver = new GrabberDriver(client);
    }

    @AfterEach
    void close() {
        driver.close();
        client.close();
        process.awaitGone();
        process.close();
        ram.close();
    }

    private byte[] picture(long address, int width, int height) {
        return ram.memory().asSlice(address, (long) width * height).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] expected(long frame, int width, int height) {
        byte[] bytes = new byte[width * height];
        new TestPattern().fill(frame, width, height, bytes);
        return bytes;
    }

    private GrabberStatistics statistics() {
        return process.onLoop(grabber::statistics);
    }

    @Test
    void theBoardIsTheOneTheDriverLooksFor() throws Exception {
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x12238086);
        assertThat(driver.readIndirect(0x1f)).isEqualTo(0x20);
        assertThat(driver.writeIndirect(0x13, 0xc0)).isTrue();
        assertThat(driver.readIndirect(0x13)).isEqualTo(0xc0);
        assertThat(driver.writeIndirect(0x1f, 1)).isTrue();
        assertThat(driver.readIndirect(0x1f)).as("read-only").isEqualTo(0x20);
        assertThat(driver.readIndirect(0x10) & 8).as("there is a signal").isEqualTo(8);
        assertThat(driver.readIndirect(0x77)).as("no such register").isEqualTo(-1);
        assertThat(driver.writeIndirect(0x00, 1)).isFalse();
        driver.write(0x44, 0x1234);
        assertThat(driver.read(0x44)).isEqualTo(0x1234);
        assertThat(client.read(0, 0x45, 1).body().get(16)).isEqualTo((byte) 0x12);
        assertThat(client.write(0, 0x44, (byte) 1)).as("a byte is no register").isZero();
        assertThat(driver.read(0x44)).isEqualTo(0x1234);
        assertThat(driver.read(0x100)).isZero();
    }

    @ParameterizedTest
    @CsvSource({ "768, 576", "640, 480" })
    void picturesAreTheSourcesOwn(int width, int height) throws Exception {
        driver.start(FIRST, width);
        driver.awaitPicture();
        assertThat(picture(FIRST, width, height)).isEqualTo(expected(0, width, height));
        driver.aim(SECOND, width);
        driver.acknowledge();
        driver.awaitPicture();
        assertThat(picture(SECOND, width, height)).isEqualTo(expected(1, width, height));
        assertThat(picture(FIRST, width, height)).as("the first is the guest's own again")
                .isEqualTo(expected(0, width, height));
        assertThat(ram.memory().get(ValueLayout.JAVA_BYTE, FIRST - 1)).isZero();
        assertThat(ram.memory().get(ValueLayout.JAVA_BYTE, FIRST + (long) width * height)).isZero();
        driver.stop();
    }

    @Test
    void aDriverThatIsSlowGetsFewerPicturesAndNoneThatIsTorn() throws Exception {
        driver.start(FIRST, 768);
        driver.awaitPicture();
        Deadline.in(Deadline.USUAL).require(() -> statistics().skipped() > 20, "pictures that are left out");
        assertThat(statistics().frames()).isEqualTo(1);
        assertThat(picture(FIRST, 768, 576)).isEqualTo(expected(0, 768, 576));
        driver.acknowledge();
        driver.awaitPicture();
        assertThat(picture(FIRST, 768, 576)).isEqualTo(expected(1, 768, 576));
    }

    @Test
    void nothingIsWrittenAfterTheStop() throws Exception {
        driver.start(FIRST, 768);
        driver.awaitPicture();
        driver.stop();
        long frames = statistics().frames();
        ram.memory().asSlice(FIRST, 768L * 576).fill((byte) 0x55);
        // The clock would have ticked meanwhile, again and again.
        process.awaitTimers(Duration.ofMillis(20));
        assertThat(statistics().frames()).isEqualTo(frames);
        assertThat(picture(FIRST, 768, 576)).containsOnly(0x55);
        assertThat(driver.read(GrabberDriver.INTERRUPT)).isZero();
        driver.start(SECOND, 768);
        driver.awaitPicture();
        assertThat(picture(SECOND, 768, 576)).isEqualTo(expected(1, 768, 576));
    }

    @Test
    void anAddressThatIsNotMappedIsAnErrorOfTheField() throws Exception {
        driver.start(RAM - 768L * 10, 768);
        driver.awaitPicture();
        assertThat(driver.read(GrabberDriver.CONTROL) & ADDRESS_ERRORS).isEqualTo(ADDRESS_ERRORS);
        driver.write(GrabberDriver.CONTROL, 0xc0 | ADDRESS_ERRORS | 0x300 | 3);
        assertThat(driver.read(GrabberDriver.CONTROL) & ADDRESS_ERRORS).isZero();
        driver.aim(FIRST, 768);
        driver.acknowledge();
        driver.awaitPicture();
        assertThat(picture(FIRST, 768, 576)).isEqualTo(expected(1, 768, 576));
        assertThat(statistics().errors()).isEqualTo(2);
    }

    @Test
    void memoryIsTakenAwayWhileItGrabs() throws Exception {
        driver.start(FIRST, 768);
        driver.awaitPicture();
        assertThat(client.unmap(0, RAM)).isZero();
        driver.acknowledge();
        driver.awaitPicture();
        assertThat(driver.read(GrabberDriver.CONTROL) & ADDRESS_ERRORS).isNotZero();
    }

    @Test
    void aResetEndsEverything() throws Exception {
        driver.start(FIRST, 768);
        driver.awaitPicture();
        assertThat(client.ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
        assertThat(driver.read(GrabberDriver.INTERRUPT)).isZero();
        assertThat(driver.readIndirect(0x10) & 0x30).isZero();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        driver.acknowledge(); // while nothing runs: a front-end's mask survives the reset
        driver.start(SECOND, 768);
        driver.awaitPicture();
        assertThat(picture(SECOND, 768, 576)).isEqualTo(expected(0, 768, 576));
    }

    @Test
    void aRateThatNoClockHasIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Grabber(new TestPattern(), 0))
                .withMessage("0 frames per second; give 1 to 1000");
    }
}
