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
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A program on a stock kernel makes blobs of host memory in a context of our type, maps them in the window, draws in them and flips: what
 * the GPU shows is right in every pixel, and the memory of a program that has ended is zero for the next.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HostBlobsGuestTest extends MachineTest {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int FRAMES = 4;

    @TempDir
    private static @Nullable Path folder;

    private final VhostUserGpu gpu;

    HostBlobsGuestTest(QemuDevice by) {
        assertThat(by).isIn(configurations());
        gpu = (VhostUserGpu) machine().backEnd();
    }

    /** How QEMU attaches a virtio GPU whose window a guest sees. */
    static List<QemuDevice> configurations() {
        return Configurations.of(List.of(), List.of(QemuDevice.VFIO_USER, QemuDevice.VHOST_USER_TEST));
    }

    @BeforeParameterizedClassInvocation
    static void boot(QemuDevice by) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio-gpu")
                .compiled("hostblob.c").build(TestQemu.CACHE);
        boolean vfio = by == QemuDevice.VFIO_USER;
        List<String> command = TestGpus.sluiceCommand();
        command.addAll(List.of("--transport=" + (vfio ? "vfio-user" : "vhost-user"), "--blob", "--host3d",
                "--host-window=16", "--resolution=" + WIDTH + "x" + HEIGHT,
                "--snapshot-dir=" + Objects.requireNonNull(folder, "JUnit makes the folder")));
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        List<String> attach = vfio
                ? TestGuest.vfioUser(gpu.socket(), "")
                : List.of("-chardev", "socket,id=gpu,path=" + gpu.socket(), "-device",
                        by.model() + ",chardev=gpu,virtio-id=16,num_vqs=2,config_size=20");
        use(TestGuest.boot(gpu, binary, image, "", attach));
    }

    private void run() throws IOException, InterruptedException {
        machine().qemu().console().send("hostblob " + FRAMES);
        assertThat(machine().awaitLine("^SLUICE (?:zero .*|error .*|skip .*)$").group())
                .as("the memory of new blobs").isEqualTo("SLUICE zero yes");
        for (int frame = 1; frame <= FRAMES; frame++) {
            Matcher said = machine().awaitLine("^SLUICE (?:shown (\\d+) (\\d+) (\\d+)|error .*)$");
            assertThat(said.group()).isEqualTo("SLUICE shown %d %d %d".formatted(frame, WIDTH, HEIGHT));
            Picture expected = new NumberedPicture(WIDTH, HEIGHT, false).picture(frame);
            assertThat(new SnapshotScreen(gpu).await(expected, TestGuest.SOON).map(Picture.Difference::sentence))
                    .as("frame %d", frame).isEmpty();
            machine().qemu().console().send("go on");
        }
        machine().awaitExit("hostblob", 0);
    }

    /** The second program has the places of the first in the window. */
    @Test
    @Order(1)
    void whatIsDrawnInTheWindowIsShownAndGoesWithItsProgram() throws IOException, InterruptedException {
        run();
        run();
    }

    @Test
    @Order(2)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().run("! dmesg -r | grep '^<[0-3]>'"); // the kernel's levels from emergency to error
        machine().powerOff();
        assertThat(gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
    }
}
