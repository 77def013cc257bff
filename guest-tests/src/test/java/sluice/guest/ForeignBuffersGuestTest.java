package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.stream.Collectors;

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

import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Buffers that others have made are shown by a stock virtio-gpu driver, which imports them, and the pictures that our GPU says it shows
 * are right in every pixel. No pixel is copied on the way.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ForeignBuffersGuestTest extends MachineTest {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int FRAMES = 3;
    /** Of the finding about what is shown and was not flushed. */
    private static final String STALE = "shown by the device as they were before the CPU wrote them";

    @TempDir
    private static @Nullable Path folder;

    private final Machine machine;
    private final VhostUserGpu gpu;
    private final PatternGuest guest;

    /** A VM. */
    enum Machine {
        VFIO_USER("", QemuDevice.VFIO_USER, ""),
        VIRTIO_IOMMU("virtio-iommu-pci", QemuDevice.VFIO_USER, "iommu.strict=1"),
        /** The GPU does not snoop: it shows what was flushed. */
        NON_COHERENT("", QemuDevice.VFIO_USER, ""),
        /** Of the devices by which QEMU attaches a virtio GPU over vhost-user, that which lets blobs pass. */
        VHOST_USER("", QemuDevice.VHOST_USER_TEST, "");

        private final String device;
        private final QemuDevice by;
        private final String kernel;

        Machine(String device, QemuDevice by, String kernel) {
            this.device = device;
            this.by = by;
            this.kernel = kernel;
        }

        private String transport() {
            return by == QemuDevice.VFIO_USER ? "vfio-user" : "vhost-user";
        }

        private List<String> attach(Path socket) {
            if (by == QemuDevice.VFIO_USER) return TestGuest.vfioUser(socket, device);
            return List.of("-chardev", "socket,id=gpu,path=" + socket, "-device",
                    by.model() + ",chardev=gpu,virtio-id=16,num_vqs=2,config_size=20");
        }
    }

    ForeignBuffersGuestTest(Machine machine) {
        this.machine = machine;
        gpu = (VhostUserGpu) machine().backEnd();
        guest = new PatternGuest(machine().qemu(), new SnapshotScreen(gpu), WIDTH, HEIGHT);
    }

    static List<Machine> configurations() {
        return Configurations.of(List.of(Machine.NON_COHERENT),
                List.of(Machine.VFIO_USER, Machine.VIRTIO_IOMMU, Machine.VHOST_USER));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio-iommu")
                .module("virtio-gpu").module("vgem").compiled("scanout.c").build(TestQemu.CACHE);
        List<String> command = TestGpus.sluiceCommand();
        command.addAll(List.of("--transport=" + machine.transport(), "--blob", "--resolution=" + WIDTH + "x" + HEIGHT,
                "--snapshot-dir=" + Objects.requireNonNull(folder, "JUnit makes the folder")));
        if (machine == Machine.NON_COHERENT) command.add("--coherency=non-coherent");
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        use(TestGuest.boot(gpu, binary, image, machine.kernel, machine.attach(gpu.socket())));
    }

    /** Runs the program, and compares what the GPU shows at each of its frames; an expected frame 0 is that before. */
    private void run(String memory, String use, int... frames) throws IOException, InterruptedException {
        machine().qemu().console().send("scanout %s %d %s".formatted(memory, FRAMES, use));
        for (int i = 0; i < frames.length; i++) {
            Matcher said = machine().awaitLine("^SLUICE (?:shown (\\d+) (\\d+) (\\d+)|error .*|skip .*)$");
            assertThat(said.group()).as("what the guest says").startsWith("SLUICE shown " + (i + 1) + " ");
            Picture expected = new NumberedPicture(Integer.parseInt(said.group(2)), Integer.parseInt(said.group(3)),
                    memory.equals("udmabuf-twice")).picture(frames[i]);
            assertThat(new SnapshotScreen(gpu).await(expected, TestGuest.SOON).map(Picture.Difference::sentence))
                    .as("frame %d", i + 1).isEmpty();
            machine().qemu().console().send("go on");
        }
        machine().awaitExit("scanout", 0);
    }

    @ParameterizedTest
    @ValueSource(strings = { "udmabuf", "heap", "vgem", "udmabuf-huge", "udmabuf-twice" })
    @Order(1)
    void aForeignBufferIsShownExactly(String memory) throws IOException, InterruptedException {
        run(memory, "sync", 1, 2, 3);
    }

    /** A program that draws into what is shown and does not say so is right where the GPU snoops, and nowhere else. */
    @Test
    @Order(2)
    void whatIsNotFlushedIsOldOnlyWhereTheGpuDoesNotSnoop() throws IOException, InterruptedException {
        boolean snoops = machine != Machine.NON_COHERENT;
        int before = findings();
        run("udmabuf", "untold", 1, 2, 3, snoops ? 4 : 3);
        // The console takes the screen back: it is found when the picture leaves it.
        guest.draw(1, 2);
        guest.quit();
        assertThat(findings() - before).isEqualTo(snoops ? 0 : 1);
    }

    /** How often the log tells of what was shown and not flushed. */
    private int findings() {
        return (int) gpu.errors().lines().filter(line -> line.contains(STALE)).count();
    }

    @Test
    @Order(3)
    void theDriversOwnBuffersAreStillShown() throws IOException, InterruptedException {
        guest.draw(4, 2);
        guest.quit();
    }

    /** The console's memory is a blob as well: what is written there is shown, and then what the kernel writes over it. */
    @Test
    @Order(4)
    void theKernelsConsoleIsShown() throws IOException, InterruptedException {
        machine().run("echo 0 >/sys/class/graphics/fbcon/cursor_blink && printf '\\033[2J\\033[?25l' >/dev/tty1");
        machine().run("tr '\\000' U </dev/zero | head -c %d >/dev/fb0".formatted(WIDTH * HEIGHT * 4));
        int[] pixels = new int[WIDTH * HEIGHT];
        Arrays.fill(pixels, 0xff55_5555);
        Path kept = Files.createDirectories(Path.of("target"))
                .resolve("console-%s.png".formatted(machine.name().toLowerCase(Locale.ROOT)));
        SnapshotScreen screen = new SnapshotScreen(gpu, kept);
        Picture filled = new Picture(WIDTH, HEIGHT, pixels);
        assertThat(screen.await(filled, TestGuest.SOON).map(Picture.Difference::sentence)).isEmpty();
        machine().run("printf '\\033[H%s on the console' \"$(uname -sr)\" >/dev/tty1");
        assertThat(screen.until(shown -> hasText(filled, shown), TestGuest.SOON)).as("text on the console").isTrue();
    }

    /** Whether the first line of characters, which are 16 pixels high, has black and white, and nothing else has changed. */
    private static boolean hasText(Picture before, Picture shown) {
        int line = 16 * WIDTH;
        Set<Integer> colours = Arrays.stream(shown.argb(), 0, line).boxed().collect(Collectors.toSet());
        return colours.contains(0xff00_0000) && colours.size() >= 3 && Arrays.equals(before.argb(), line,
                before.argb().length, shown.argb(), line, shown.argb().length);
    }

    @Test
    @Order(5)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().powerOff();
        if (machine != Machine.NON_COHERENT) assertThat(gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
    }
}
