package sluice.guest;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.build.KernelModule;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Grabber, encoder, decoder and GPU of one process in one machine, each with a table of its own: what the grabber writes goes through
 * the codecs, in buffers that the guest's drivers share, and is what the GPU shows. Nothing is copied but by a codec that does not
 * snoop.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MediaChainGuestTest extends MachineTest {
    private static final int SCREEN_WIDTH = 320;
    private static final int SCREEN_HEIGHT = 200;
    private static final int PICTURES = 8;
    /** Buffers of the GPU. */
    private static final int SHOWN = 6;
    private static final int LUMA = GrabberPattern.BYTES;
    private static @Nullable DeviceProcess process;
    private static long last = -1;

    private final Configuration configuration;

    MediaChainGuestTest(Configuration configuration) {
        this.configuration = configuration;
    }

    /**
     * A machine.
     *
     * @param snoops whether the codecs' accesses are coherent, as the GPU's are
     * @param named whether the decoder is told the buffers of the GPU and of the encoder, which are memory of these devices, by their
     *        UUIDs; otherwise all are pages of the guest
     */
    record Configuration(boolean snoops, boolean named) {
        @Override
        public String toString() {
            return (snoops ? "coherent" : "non-coherent") + " codecs" + (named ? ", buffers by UUID" : "");
        }
    }

    static List<Configuration> configurations() {
        return Configurations.of(List.of(), List.of(new Configuration(true, true),
                new Configuration(true, false), new Configuration(false, false)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        GuestKernel kernel = GuestKernel.forQemu(TestQemu.QEMU_11.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "media", TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).module("virtio-iommu").module("virtio_pci").module("virtio-gpu")
                .module("dt3155").module("videobuf2-dma-sg").module("videobuf2-v4l2")
                .module(driver, configuration.named ? "device_memory=1" : "").compiled("chain.c").build(TestQemu.CACHE);
        String codec = "codec,transport=vfio-user,test-coding,coherency="
                + (configuration.snoops ? "coherent" : "non-coherent");
        DeviceProcess serving = DeviceProcess.start(TestGpus.launcher(), List.of(),
                List.of(new DeviceProcess.Served("grabber", "grabber"),
                        new DeviceProcess.Served("encoder", codec + ",encoder"),
                        new DeviceProcess.Served("decoder", codec),
                        new DeviceProcess.Served("gpu", "gpu,transport=vfio-user,blob,resolution=%dx%d"
                                .formatted(SCREEN_WIDTH, SCREEN_HEIGHT), true, QemuBus.NONE)));
        process = serving;
        use(new TestGuest(serving, Machine.of(TestQemu.QEMU_11.binary(), image).backEnd(serving)
                .kernel(GuestIommu.VIRTIO.kernel())
                .arguments(List.of("-device", GuestIommu.VIRTIO.device())).arguments(serving.qemuArguments())
                .boot(TestQemu.CACHE)));
    }

    private static DeviceProcess devices() {
        return Objects.requireNonNull(process, "it was started");
    }

    /** Each picture is one of the grabber's, whole, and a later one than that before. */
    @Test
    @Order(1)
    void whatIsGrabbedComesOutOfTheDecoder() throws Exception {
        machine().qemu().console().send("chain " + PICTURES + (configuration.named ? " object" : ""));
        last = -1;
        for (int i = 0; i < PICTURES; i++) {
            Matcher line = machine()
                    .awaitLine("^SLUICE (?:picture (\\d+) ([0-9a-f]{8}) ([0-9a-f]{8})|(?:error|skip|exit) .*)$");
            assertThat(line.group()).startsWith("SLUICE picture " + i);
            long number = Long.parseLong(line.group(3), 16);
            assertThat(line.group(2)).as("checksum of: %s", line.group()).isEqualTo(GrabberPattern.crc(number));
            assertThat(number).as("the picture after %d", last).isGreaterThan(last);
            last = number;
        }
    }

    @Test
    @Order(2)
    void theLastIsWhatTheGpuShows() throws Exception {
        assertThat(machine().awaitLine("^SLUICE (?:shown|error|skip|exit) .*").group())
                .isEqualTo("SLUICE shown %d %d".formatted(SCREEN_WIDTH, SCREEN_HEIGHT));
        assertThat(GrabberPattern.asPixels(last, SCREEN_WIDTH, SCREEN_HEIGHT).difference(devices().picture())
                .map(Picture.Difference::sentence)).isEmpty();
        machine().qemu().console().send("quit");
        machine().awaitExit("chain", 0);
    }

    /** In place where memory is coherent; a device that does not snoop is given each picture by one copy. */
    @Test
    @Order(3)
    void noPictureWasCopied() throws IOException, InterruptedException {
        List<JsonObject> reports = devices().reports();
        for (JsonObject report : reports) assertThat(report.getAsJsonArray("findings")).isEmpty();
        for (JsonObject codec : reports.subList(1, 3)) {
            long copied = codec.getAsJsonObject("copiedBytes").get("pictures").getAsLong();
            if (configuration.snoops) assertThat(copied).as("copied bytes").isZero();
            else assertThat(copied).as("copied bytes").isEqualTo(PICTURES * LUMA * 3L / 2);
        }
        JsonObject imported = reports.get(2).getAsJsonObject("imported");
        assertThat(imported.get("objects").getAsInt()).as("objects of the GPU and the encoder")
                .isEqualTo(configuration.named ? SHOWN + 1 : 0);
        assertThat(imported.get("pages").getAsInt()).as("buffers of pages")
                .isEqualTo(configuration.named ? 0 : SHOWN + 1);
        for (JsonObject device : reports) {
            assertThat(device.getAsJsonObject("dma").get("messageBytes").getAsLong()).isZero();
            assertThat(device.getAsJsonObject("faults").entrySet()).isEmpty();
        }
    }

    /**
     * A program that takes the grabber for one that writes past all caches, and says so. The finding names the call that is missing; an
     * encoder that does not snoop gets older pictures, and one that snoops the right ones.
     */
    @Test
    @Order(4)
    void aForgottenTransferIsAFinding() throws Exception {
        machine().qemu().console().send("chain " + PICTURES + " forget");
        int stale = 0;
        long newest = -1;
        for (int i = 0; i < PICTURES; i++) {
            Matcher line = machine()
                    .awaitLine("^SLUICE (?:picture (\\d+) ([0-9a-f]{8}) ([0-9a-f]{8})|(?:error|skip|exit) .*)$");
            assertThat(line.group()).startsWith("SLUICE picture " + i);
            long number = Long.parseLong(line.group(3), 16);
            if (number <= newest || !line.group(2).equals(GrabberPattern.crc(number))) stale++;
            newest = Math.max(newest, number);
        }
        machine().awaitLine("^SLUICE shown .*");
        machine().qemu().console().send("quit");
        machine().awaitExit("chain forget", 0);
        List<JsonObject> reports = devices().reports();
        if (configuration.snoops) assertThat(stale).as("older pictures").isZero();
        else assertThat(stale).as("older pictures").isPositive();
        for (JsonObject report : reports) {
            assertThat(report.getAsJsonArray("findings").asList().stream()
                    .map(finding -> finding.getAsJsonObject().get("rule").getAsString()).distinct())
                    .as("findings: %s", report.get("findings")).containsExactly("MISSING_SYNC_FOR_DEVICE");
        }
    }

    @Test
    @Order(5)
    void thePowerGoesOffAndNothingWasWrong() throws Exception {
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|DMAR: .*[Ff]ault'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
    }
}
