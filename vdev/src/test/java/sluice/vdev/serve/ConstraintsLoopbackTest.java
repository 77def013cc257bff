package sluice.vdev.serve;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.display.GpuProvider;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.SeamDevice;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
import sluice.vdev.grabber.GrabberDriver;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.vfg7350.EncoderDriver;
import sluice.vdev.vfg7350.Vfg7350Provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;

/** Devices that cannot do all that they could, driven over their sockets. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ConstraintsLoopbackTest {
    /** The first address that needs 29 bits. */
    private static final long BUS = 1 << 28;
    private static final int WIDTH = 768;
    private static final int FRAME_BYTES = WIDTH * 576;
    private static final int SIDE = 64;

    private static JsonObject json(ServedDevice device) throws IOException {
        return JsonParser.parseString(device.end()).getAsJsonObject();
    }

    private static List<String> rules(JsonObject report) {
        return report.getAsJsonArray("findings").asList().stream()
                .map(one -> one.getAsJsonObject().get("rule").getAsString()).toList();
    }

    @ParameterizedTest
    @CsvSource({ "28, 1", "0xfffffff, 1", "29, 0" })
    void theGrabberWritesNoFurtherThanItsMask(String mask, int faulted) throws Exception {
        ServedDevice device = new ServedDevice(new GrabberProvider(), "fps", "200", "dma-mask", mask);
        try (LogTap log = new LogTap();
                VfioUserClient client = device.client();
                GuestRam ram = GuestRam.single(FRAME_BYTES, 1)) {
            assertThat(client.map(BUS, FRAME_BYTES, 0, MAP_READ | MAP_WRITE, ram.file()))
                    .as("a front-end maps all memory, whatever the device can form").isZero();
            try (GrabberDriver driver = new GrabberDriver(client)) {
                driver.start(BUS, WIDTH);
                driver.awaitPicture();
                driver.stop();
            }
            if (faulted > 0) assertThat(log.count("by rule dma-mask=0xfffffff")).isPositive();
        }
        JsonObject report = json(device);
        assertThat(report.get("addressErrors").getAsInt()).as("fields").isGreaterThanOrEqualTo(2 * faulted);
        assertThat(report.getAsJsonObject("faults").has("OVER_MASK")).isEqualTo(faulted > 0);
        assertThat(rules(report)).hasSize(faulted).allMatch("BEYOND_DMA_MASK"::equals);
    }

    /** Its page table lies below the mask and the pages beyond it. */
    @Test
    void theEncoderWritesNoFurtherThanItsMask() throws Exception {
        ServedDevice device = new ServedDevice(new Vfg7350Provider(), "numbered", "", "bit-rate", "100000000",
                "dma-mask", "20");
        try (LogTap log = new LogTap();
                VfioUserClient client = device.client();
                GuestRam ram = GuestRam.single(EncoderDriver.RAM, 1);
                EncoderDriver driver = new EncoderDriver(client, ram)) {
            assertThat(client.map(0, EncoderDriver.RAM, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
            byte[] before = driver.pages(0);
            driver.stream();
            driver.give();
            driver.awaitBuffer();
            assertThat(driver.pages(0)).as("nothing is written").isEqualTo(before);
            assertThat(log.count("by rule dma-mask=0xfffff")).isPositive();
        }
        JsonObject report = json(device);
        assertThat(report.get("addressErrors").getAsInt()).isEqualTo(1);
        assertThat(rules(report)).containsExactly("BEYOND_DMA_MASK");
        assertThat(report.getAsJsonArray("findings").get(0).getAsJsonObject().get("what").getAsString())
                .isEqualTo("written at 0x140000 by a device with dma-mask=0xfffff");
    }

    private static VirtioSession session(ServedDevice device, String transport, GuestRam ram) throws IOException {
        VirtioSession session = transport.equals("vhost-user")
                ? new DeviceSession(device.frontEnd(), ram, Profile.qemu10(), 64, 16)
                : new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM,
                        64, 16);
        session.attach();
        session.start(null);
        return session;
    }

    /** A buffer of 16 KiB. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "vhost-user | max-segment-size=4096 max-segments=3 | it has 4 segments, but the device accepts at most 3",
            "vfio-user  | max-segment-size=4096 max-segments=3 | the buffer has 16384 bytes, but the device accepts at most 12288",
            "vhost-user | dma-mask=13 | the buffer ends at 0x3fff, but the device's DMA mask is 0x1fff",
            "vfio-user  | dma-mask=13 | the buffer ends at 0x3fff, but the device's DMA mask is 0x1fff",
            "vhost-user | max-segment-size=8192 contiguous= | the buffer has 16384 bytes, but the device accepts at most 8192",
            "vhost-user | boundary=0x1fff max-segments=1 | the buffer has 16384 bytes, but the device accepts at most 8192",
            "vhost-user | boundary=0x1fff max-segments=2 | ", "vfio-user | max-segment-size=4096 max-segments=4 | ",
            "vhost-user | dma-mask=16 |" })
    void theGpuAttachesToNoBufferThatItCannotTake(String transport, String constraints, String refusal)
            throws Exception {
        String[] options = ("transport=" + transport + " " + constraints).split("[ =]", -1);
        ServedDevice device = new ServedDevice(new GpuProvider(), options);
        try (LogTap log = new LogTap();
                GuestRam ram = GuestRam.single(4 << 20, 1);
                VirtioSession session = session(device, transport, ram)) {
            GpuDriver driver = new GpuDriver(session);
            driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE).ok();
            driver.attachBacking(1, ram.allocateScattered(4L * SIDE * SIDE));
            int answer = driver.transferToHost2d(1, GpuRect.of(SIDE, SIDE), 0).type();
            assertThat(answer == GpuWire.RESP_OK_NODATA).as("%x", answer).isEqualTo(refusal == null);
            assertThat(log.count("resource 1 cannot be mapped")).isEqualTo(refusal == null ? 0 : log.count("(E"));
            if (refusal != null) assertThat(log.count(refusal)).as("%s", log.complaints()).isPositive();
        }
        device.end();
    }

    /** A device without buffers of its own has nothing that could be limited. */
    @ParameterizedTest
    @ValueSource(strings = { "dma-mask", "max-segments" })
    void aDeviceThatAttachesToNothingIsRefused(String option) {
        assertThatThrownBy(() -> new ServedDevice(SeamDevice.provider(), option, "32").close())
                .isInstanceOf(WrongOptionException.class).hasMessageStartingWith("seam: " + option)
                .hasMessageEndingWith("attaches to no buffers");
    }

    /** Nobody tells what a driver's list looks like: a user who limits it is told so, and what to do. */
    @Test
    void whatCannotBeJudgedIsSaidOnce() throws Exception {
        try (LogTap log = new LogTap()) {
            new ServedDevice(new GrabberProvider(), "max-segments", "4", "boundary", "0xffff").end();
            assertThat(log.complaints()).singleElement().asString().startsWith(
                    "grabber: max-segments=4, boundary=0xffff: of these only the DMA mask is judged").contains(
                            "serve a witness beside it");
            new ServedDevice(new GrabberProvider(), "dma-mask", "32").end();
            assertThat(log.complaints()).hasSize(1);
        }
    }
}
