package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;

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
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;
    private static final int FRAMES = 3;

    @TempDir
    private static @Nullable Path folder;

    private final VhostUserGpu gpu;
    private final PatternGuest guest;

    /** A VM. */
    enum Machine {
        VFIO_USER("", QemuDevice.VFIO_USER, ""),
        VIRTIO_IOMMU("virtio-iommu-pci", QemuDevice.VFIO_USER, "iommu.strict=1"),
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

    ForeignBuffersGuestTest(@SuppressWarnings("unused") Machine booted) {
        gpu = (VhostUserGpu) machine().backEnd();
        guest = new PatternGuest(machine().qemu(), new SnapshotScreen(gpu), WIDTH, HEIGHT);
    }

    static List<Machine> configurations() {
        return Configurations.of(List.of(Machine.VFIO_USER), List.of(Machine.VIRTIO_IOMMU, Machine.VHOST_USER));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio-iommu")
                .module("virtio-gpu").module("vgem").compiled("foreign.c").build(TestQemu.CACHE);
        List<String> command = TestGpus.sluiceCommand();
        command.addAll(List.of("--transport=" + machine.transport(), "--blob",
                "--snapshot-dir=" + Objects.requireNonNull(folder, "JUnit makes the folder")));
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        use(TestGuest.boot(gpu, binary, image, machine.kernel, machine.attach(gpu.socket())));
    }

    /** Runs the program, and compares what the GPU shows when it says that it is done. */
    private void show(String kind, Picture expected) throws IOException, InterruptedException {
        machine().qemu().console().send("foreign " + kind + " " + FRAMES);
        Matcher done = machine().awaitLine("^SLUICE (?:done (\\d+)|error .*)$");
        assertThat(done.group()).as("what the guest says").isEqualTo("SLUICE done " + FRAMES);
        assertThat(new SnapshotScreen(gpu).await(expected, TestGuest.SOON).map(Picture.Difference::sentence)).isEmpty();
        guest.quit();
    }

    @ParameterizedTest
    @ValueSource(strings = { "scattered", "heap", "vgem", "huge" })
    @Order(1)
    void aForeignBufferIsShownExactly(String kind) throws IOException, InterruptedException {
        show(kind, TestPattern.picture(WIDTH, HEIGHT, FRAMES));
    }

    /** What is drawn last in a page is seen in both halves. */
    @Test
    @Order(2)
    void theSamePageTwiceIsShownTwice() throws IOException, InterruptedException {
        Picture whole = TestPattern.picture(WIDTH, HEIGHT, FRAMES);
        int half = WIDTH * HEIGHT / 2;
        int[] pixels = new int[2 * half];
        System.arraycopy(whole.argb(), half, pixels, 0, half);
        System.arraycopy(whole.argb(), half, pixels, half, half);
        show("twice", new Picture(WIDTH, HEIGHT, pixels));
    }

    @Test
    @Order(3)
    void theDriversOwnBuffersAreStillShown() throws IOException, InterruptedException {
        guest.draw(4, 2);
        guest.quit();
    }

    @Test
    @Order(4)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().powerOff();
        assertThat(gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
    }
}
