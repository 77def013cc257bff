package sluice.guest;

import java.io.IOException;
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

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Our GPU as a PCI function of its own over vfio-user: the kernel's driver knows it as 1af4:1050 and draws on it, and the
 * pictures it says it shows are the pattern, pixel by pixel.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class VirtioPciGuestTest extends MachineTest {
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;

    /** A VM. */
    enum Machine {
        /** Its bus addresses are guest addresses. */
        PLAIN("", ""),
        /**
         * Each page is mapped for the function by itself, and unmapped at once: the timer by which Linux 7.2 would unmap in
         * bulk still runs when a kernel that restarts has shut down its virtio-iommu, and then waits for an answer for ever.
         */
        VIRTIO_IOMMU("virtio-iommu-pci", "iommu.strict=1"),
        /** No message-signalled interrupts: all come by the line. */
        INTERRUPT_LINE("", "pci=nomsi");

        private final String device;
        private final String kernel;

        Machine(String device, String kernel) {
            this.device = device;
            this.kernel = kernel;
        }
    }

    @TempDir
    private static @Nullable Path folder;

    private final Machine machine;
    private final VhostUserGpu gpu;
    private final Qemu qemu;
    private final PatternGuest guest;

    VirtioPciGuestTest(Machine machine) {
        this.machine = machine;
        gpu = (VhostUserGpu) machine().backEnd();
        qemu = machine().qemu();
        guest = new PatternGuest(qemu, new SnapshotScreen(gpu), WIDTH, HEIGHT);
    }

    static List<Machine> configurations() {
        return Configurations.of(List.of(Machine.VIRTIO_IOMMU), List.of(Machine.PLAIN, Machine.INTERRUPT_LINE));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        GuestImage image = PatternGuest.image(binary);
        List<String> command = TestGpus.sluiceCommand();
        command.add("--transport=vfio-user");
        command.add("--snapshot-dir=" + Objects.requireNonNull(folder, "JUnit makes the folder"));
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        use(TestGuest.boot(gpu, binary, image, machine.kernel, TestGuest.vfioUser(gpu.socket(), machine.device)));
    }

    @Test
    @Order(1)
    void theDriverKnowsIt() throws IOException, InterruptedException {
        machine().run("cd /sys/bus/pci/drivers/virtio-pci && grep -l 0x1050 */device");
        machine().run("grep -q 0x038000 $(dirname $(grep -l 0x1050 /sys/bus/pci/drivers/virtio-pci/*/device))/class");
        machine().run("modetest -M virtio_gpu");
        assertThat(qemu.console().lines())
                .anyMatch(line -> line.matches("\\d+\\s+\\d+\\s+connected\\s+Virtual-1\\s.*"))
                .anyMatch(line -> line.contains(WIDTH + "x" + HEIGHT) && line.contains("preferred"));
        String kind = machine == Machine.INTERRUPT_LINE ? "IO-APIC" : "MSI";
        machine().run("grep virtio /proc/interrupts | grep -q " + kind);
    }

    @Test
    @Order(2)
    void aFlippedPictureArrivesExactly() throws IOException, InterruptedException {
        guest.draw(30, 2);
        guest.flip(15);
        guest.quit();
    }

    /** Each run attaches buffers and detaches them at its end. */
    @Test
    @Order(3)
    void buffersComeAndGo() throws IOException, InterruptedException {
        for (int round = 0; round < 4; round++) {
            guest.draw(1, 3);
            guest.quit();
        }
    }

    @Test
    @Order(4)
    void aStoppedMachineGoesOn() throws IOException, InterruptedException {
        guest.drawAcrossPauses(machine(), 1, 2, 2);
    }

    /** The driver resets the device when it lets go of it, and starts it anew. */
    @Test
    @Order(5)
    void theDriverLetsGoAndComesBack() throws IOException, InterruptedException {
        int open = gpu.openDescriptors();
        for (int round = 0; round < 3; round++) {
            machine().run(
                    "cd /sys/bus/virtio/drivers/virtio_gpu && d=$(basename virtio[0-9]*) && echo $d > unbind && echo $d > bind");
        }
        assertThat(gpu.openDescriptors()).as("open descriptors of the back-end").isEqualTo(open);
        guest.draw(2, 2);
        guest.quit();
    }

    @Test
    @Order(6)
    void aRebootedGuestDrawsAgain() throws IOException, InterruptedException {
        machine().reboot();
        guest.draw(2, 2);
        guest.quit();
    }

    @Test
    @Order(7)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().powerOff();
        assertThat(gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
    }
}
