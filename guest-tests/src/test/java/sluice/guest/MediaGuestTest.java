package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.guest.build.KernelModule;
import sluice.vdev.fixture.Muting;
import sluice.vdev.media.CodecProvider;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * The codec behind vfio-user, with its own id and a driver of our own ({@code kmod/media}): what a guest decodes is right to the byte, in
 * the order of display and with the timestamps of its units, whoever's memory the frames are decoded into.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MediaGuestTest extends MachineTest {
    private static final int SCREEN_WIDTH = 320;
    private static final int SCREEN_HEIGHT = 200;
    private static final MediaClip CHANGING = MediaClip.changing(8);
    /** Frames without padding, of more bytes than the screen. */
    private static final MediaClip SHOWN = MediaClip.steady(512, 352, 4);
    private static final Pattern FRAME = Pattern.compile("^SLUICE frame \\d+ (\\d+) \\d+ ([0-9a-f]{8})$");

    @TempDir
    private static @Nullable Path folder;

    private static @Nullable Muting provider;
    private static @Nullable ServedDevice codec;
    private static @Nullable VhostUserGpu gpu;

    private final Configuration configuration;

    MediaGuestTest(Configuration configuration) {
        this.configuration = configuration;
    }

    /**
     * A machine.
     *
     * @param kernelOf the QEMU whose time's kernel is booted; QEMU itself is 11.1
     * @param snoops whether the codec's accesses are coherent
     */
    record Configuration(TestQemu kernelOf, GuestIommu iommu, boolean snoops) {
        @Override
        public String toString() {
            return "Linux of %s, IOMMU %s, %s".formatted(kernelOf, iommu.label(), snoops ? "coherent" : "non-coherent");
        }

        /** Whether the kernel's virtio-gpu imports buffers of other drivers. */
        private boolean gpuImports() {
            return kernelOf == TestQemu.QEMU_11;
        }
    }

    static List<Configuration> configurations() {
        return Configurations.of(List.of(),
                List.of(new Configuration(TestQemu.QEMU_11, GuestIommu.VIRTIO, false),
                        new Configuration(TestQemu.QEMU_11, GuestIommu.NONE, true),
                        new Configuration(TestQemu.QEMU_10, GuestIommu.INTEL_STRICT, false)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        Path made = Objects.requireNonNull(folder, "JUnit makes the folder");
        Path clips = Files.createDirectories(made.resolve("root/clips"));
        CHANGING.write(clips.resolve("changing"));
        SHOWN.write(clips.resolve("shown"));
        GuestKernel kernel = GuestKernel.forQemu(configuration.kernelOf.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "media", TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).module("virtio-iommu").module("virtio_pci").module("virtio-gpu")
                .module("videobuf2-dma-sg").module("videobuf2-v4l2").module(driver, "").compiled("decode.c")
                .tree(made.resolve("root")).build(TestQemu.CACHE);
        List<String> command = TestGpus.sluiceCommand();
        command.addAll(List.of("--transport=vfio-user", "--blob", "--snapshot-dir=" + made,
                "--resolution=%dx%d".formatted(SCREEN_WIDTH, SCREEN_HEIGHT)));
        Muting muting = new Muting(new CodecProvider());
        ServedDevice served = new ServedDevice(muting, "transport", "vfio-user", "test-coding", "",
                "coherency", configuration.snoops ? "coherent" : "non-coherent");
        VhostUserGpu screen = VhostUserGpu.start("the GPU", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        provider = muting;
        codec = served;
        gpu = screen;
        List<String> arguments = TestGuest.vfioUser(screen.socket(), configuration.iommu.device());
        arguments.addAll(TestGuest.vfioUser(served.socket(), ""));
        use(TestGuest.boot(ended(served, screen), TestQemu.QEMU_11.binary(), image, configuration.iommu.kernel(),
                arguments));
    }

    private static Closeable ended(ServedDevice device, VhostUserGpu screen) {
        return () -> {
            device.close();
            screen.close();
        };
    }

    /** Decodes a clip, of which all frames must be right. */
    private void decode(String clip, MediaClip expected, String memory) throws IOException, InterruptedException {
        String command = "decode decoder SLPL /clips/%s %s".formatted(clip, memory);
        Machine.Done done = machine().machine().run(command, TestGuest.WORK);
        assertThat(done.status()).as("%s: %s", command, done.lines()).isZero();
        assertThat(done.lines().stream().map(FRAME::matcher).filter(Matcher::matches)
                .map(frame -> frame.group(1) + " " + frame.group(2))).as("%s: %s", command, done.lines())
                .containsExactlyElementsOf(expected.frames());
    }

    @Test
    @Order(1)
    void theDriverKnowsTheDevice() throws Exception {
        machine().run("grep -q decoder /sys/class/video4linux/video0/name");
        machine().run("test $(cat /sys/bus/virtio/drivers/media/virtio*/device) = 0x0030");
    }

    /** The frames change their size in the middle, and with it the buffers. */
    @ParameterizedTest
    @ValueSource(strings = { "mmap", "expbuf", "userptr", "udmabuf", "heap", "blob" })
    @Order(2)
    void whatIsDecodedIsRight(String memory) throws Exception {
        decode("changing", CHANGING, memory);
    }

    /** The driver exports a frame's buffer, and the GPU's driver imports it: what it shows is what the codec has written. */
    @Test
    @Order(3)
    void aFrameIsShownByTheGpuWithoutACopy() throws Exception {
        assumeThat(configuration.gpuImports()).as("the kernel's virtio-gpu imports buffers").isTrue();
        machine().qemu().console().send("decode decoder SLPL /clips/shown expbuf shown");
        assertThat(machine().awaitLine("^SLUICE (?:shown|error|skip) .*").group())
                .isEqualTo("SLUICE shown %d %d".formatted(SCREEN_WIDTH, SCREEN_HEIGHT));
        Picture expected = SHOWN.lastAsPixels(SCREEN_WIDTH, SCREEN_HEIGHT);
        SnapshotScreen screen = new SnapshotScreen(Objects.requireNonNull(gpu, "it was started"));
        assertThat(screen.await(expected, TestGuest.SOON).map(Picture.Difference::sentence)).isEmpty();
        machine().qemu().console().send("quit");
        machine().awaitExit("decode shown", 0);
    }

    @Test
    @Order(4)
    void theDriverLetsGoAndComesBack() throws Exception {
        for (int round = 0; round < 2; round++) {
            machine().run("rmmod media && insmod /modules/media.ko");
            decode("changing", CHANGING, "mmap");
        }
    }

    /** A device that hangs keeps nobody for longer than the driver's limit for an answer, and is reset before its memory is freed. */
    @Test
    @Order(5)
    @Tag("long")
    void aHungDeviceIsGivenUp() throws Exception {
        Muting device = Objects.requireNonNull(provider, "it was made");
        machine()
                .run("mkfifo /tmp/open /tmp/end; (echo >/tmp/open; read x </tmp/end) </dev/video0 & read x </tmp/open");
        device.mute(true);
        machine().run("echo >/tmp/end; wait; dmesg | grep -q 'was not answered in 10 s: the device is reset'");
        machine().run("! decode decoder SLPL /clips/changing mmap && rmmod media");
        device.mute(false);
        machine().run("insmod /modules/media.ko");
        decode("changing", CHANGING, "udmabuf");
    }

    @Test
    @Order(6)
    void thePowerGoesOffAndNothingWasWrong() throws Exception {
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|DMAR: .*[Ff]ault'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
        JsonObject report = JsonParser.parseString(Objects.requireNonNull(codec, "it is served").end())
                .getAsJsonObject();
        System.out.println(report);
        assertThat(report.getAsJsonObject("sessions").get("present").getAsInt()).isZero();
        assertThat(report.getAsJsonObject("sessions").get("failed").getAsInt()).isZero();
        assertThat(report.getAsJsonArray("findings")).isEmpty();
    }
}
