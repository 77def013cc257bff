package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

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

import sluice.vdev.fixture.TlsFiles;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * A stock VNC viewer's screenshot of a guest is the pattern that the guest draws, in every pixel: of a GPU beside QEMU's own
 * screen, in TLS, and of one whose screen QEMU does not show.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class VncGuestTest extends MachineTest {
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;

    /** A machine. */
    enum Machine {
        VHOST_USER(TestQemu.QEMU_10, ""),
        /** The viewer trusts the certificate of the server only. */
        TLS(TestQemu.QEMU_10, ""),
        /** Viewers read the guest's pages. */
        BLOBS(TestQemu.QEMU_11, "--transport=vfio-user --blob");

        private final TestQemu qemu;
        private final String options;

        Machine(TestQemu qemu, String options) {
            this.qemu = qemu;
            this.options = options;
        }
    }

    @TempDir
    private static @Nullable Path folder;

    private final VhostUserGpu gpu;
    private final PatternGuest guest;

    VncGuestTest(Machine machine) {
        gpu = (VhostUserGpu) machine().backEnd();
        Path trusted = machine == Machine.TLS ? pictures().resolve("certificate.pem") : null;
        guest = new PatternGuest(machine().qemu(), new VncScreen(gpu, pictures(), trusted), WIDTH, HEIGHT);
    }

    private static Path pictures() {
        return Objects.requireNonNull(folder, "JUnit makes the folder");
    }

    static List<Machine> configurations() {
        return Configurations.of(List.of(), List.of(Machine.values()));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        QemuBinary binary = machine.qemu.binary();
        GuestImage image = PatternGuest.image(binary);
        List<String> command = TestGpus.sluiceCommand();
        if (!machine.options.isEmpty()) command.addAll(List.of(machine.options.split(" ", -1)));
        command.add("--vnc=127.0.0.1:0");
        command.add("--snapshot-dir=" + pictures());
        if (machine == Machine.TLS) {
            assumeTrue((Integer) Files.getAttribute(pictures(), "unix:uid") == 0, "only root mounts file systems");
            TlsFiles files = TlsFiles.make(pictures(), "-keyalg", "EC");
            command.add("--vnc-tls-cert=" + files.certificate());
            command.add("--vnc-tls-key=" + files.key());
        }
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        use(TestGuest.boot(gpu, binary, image, "", machine == Machine.BLOBS
                ? TestGuest.vfioUser(gpu.socket(), "")
                : gpu.qemuArguments("")));
    }

    @Test
    @Order(1)
    void aViewerSeesEveryPixel() throws IOException, InterruptedException {
        guest.draw(10, 2);
        guest.flip(15);
        guest.flip(1);
        guest.quit();
    }

    @Test
    @Order(2)
    void aViewerSeesARebootedGuest() throws IOException, InterruptedException {
        machine().reboot();
        guest.draw(3, 2);
        guest.quit();
    }

    @Test
    @Order(3)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().powerOff();
        assertThat(gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
    }
}
