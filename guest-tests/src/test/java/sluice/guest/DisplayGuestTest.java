package sluice.guest;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A Debian kernel's own virtio-gpu driver on each of our configurations: pictures are compared pixel by pixel. One machine
 * is started for a configuration, and the checks are made on it in their order. QEMU's own GPU proves the checks themselves.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DisplayGuestTest extends MachineTest {
    private static final int RESETS_PER_MOMENT = 10;

    /**
     * A machine.
     *
     * @param device properties of its GPU
     * @param thorough whether it is restarted often, or, as each boot takes seconds, a few times only
     */
    record Configuration(TestQemu qemu, GpuProvider gpu, String device, int width, int height, boolean thorough) {
        @Override
        public String toString() {
            return "%s, %s%s".formatted(qemu, gpu.name(), device.isEmpty() ? "" : ", " + device);
        }
    }

    private final Configuration configuration;
    private final Gpu gpu;
    private final Qemu qemu;
    private final PatternGuest guest;

    DisplayGuestTest(Configuration configuration) {
        this.configuration = configuration;
        gpu = (Gpu) machine().backEnd();
        qemu = machine().qemu();
        guest = new PatternGuest(qemu, configuration.width, configuration.height);
    }

    /** Packed rings go together with an odd size; they share no code, so one machine is enough for both. */
    static List<Configuration> configurations() {
        String packed = "packed=on,xres=1000,yres=602";
        return Configurations.of(
                List.of(new Configuration(TestQemu.QEMU_10, TestGpus.sluice(), "", 1280, 800, false),
                        new Configuration(TestQemu.QEMU_11, TestGpus.sluice(), packed, 1000, 602, false)),
                List.of(new Configuration(TestQemu.QEMU_10, GpuProvider.builtIn(), "", 1280, 800, false),
                        new Configuration(TestQemu.QEMU_10, TestGpus.sluice(), "", 1280, 800, true),
                        new Configuration(TestQemu.QEMU_10, TestGpus.sluice(), packed, 1000, 602, false),
                        new Configuration(TestQemu.QEMU_11, TestGpus.sluice(), "", 1280, 800, true)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws IOException, InterruptedException {
        QemuBinary binary = configuration.qemu.binary();
        GuestImage image = PatternGuest.image(binary);
        Gpu gpu = configuration.gpu.start();
        use(TestGuest.boot(gpu, binary, image, "", gpu.qemuArguments(configuration.device)));
    }

    @Test
    @Order(1)
    void theKernelIsThatOfTheQemusTime() {
        String version = configuration.qemu == TestQemu.QEMU_11 ? "7." : "6.12.";
        assertThat(qemu.console().lines()).anyMatch(line -> line.startsWith("SLUICE boot " + version));
    }

    @Test
    @Order(2)
    void modetestListsAConnectedScreen() throws IOException, InterruptedException {
        qemu.console().send("modetest -M virtio_gpu");
        guest.awaitExit();
        String mode = configuration.width + "x" + configuration.height;
        assertThat(qemu.console().lines())
                .anyMatch(line -> line.matches("\\d+\\s+\\d+\\s+connected\\s+Virtual-1\\s.*"))
                .anyMatch(line -> line.contains(mode) && line.contains("preferred"));
    }

    @Test
    @Order(3)
    void aFlippedPictureArrivesExactly() throws IOException, InterruptedException {
        guest.draw(60, 2);
        guest.flip(15);
        guest.quit();
    }

    @Test
    @Order(4)
    void aStoppedMachineGoesOn() throws IOException, InterruptedException {
        guest.drawAcrossPauses(machine(), 3, 3, 4);
    }

    @Test
    @Order(5)
    void aRebootedGuestDrawsAgain() throws IOException, InterruptedException {
        for (int round = 0; round < (configuration.thorough ? 3 : 1); round++) {
            machine().reboot();
            guest.draw(3, 2);
            guest.quit();
        }
    }

    /** Fifty resets, at five moments of a boot, or ten, at one; then everything must be as it was before. */
    @Test
    @Order(6)
    void resetsLeaveNothingBehind() throws IOException, InterruptedException {
        List<String> moments = List.of("^SLUICE mode", "^SLUICE boot", "^SLUICE card", "^SLUICE shown", "^SLUICE done");
        int resets = configuration.thorough ? RESETS_PER_MOMENT * moments.size() : RESETS_PER_MOMENT;
        guest.draw(3, 2);
        int open = openDescriptors();
        for (int round = 1; round <= resets; round++) {
            reset();
            // Most resets come while the firmware runs, because a boot takes seconds; each tenth waits for its moment.
            if (round % RESETS_PER_MOMENT != 0) continue;
            String moment = moments.get(round / RESETS_PER_MOMENT - 1);
            qemu.console().waitFor("^SLUICE boot", TestGuest.BOOT);
            if (moment.equals("^SLUICE boot")) continue;
            qemu.console().waitFor("^SLUICE ready", TestGuest.BOOT);
            qemu.console().send("pattern 3 2");
            qemu.console().waitFor(moment, TestGuest.WORK);
        }
        reset();
        guest.awaitReady();
        guest.draw(3, 2);
        assertThat(openDescriptors()).as("open descriptors of the back-end").isEqualTo(open);
        guest.quit();
    }

    @Test
    @Order(7)
    void aGuestPowersOffAndNobodyHasComplained() throws IOException, InterruptedException {
        machine().powerOff();
        if (gpu instanceof VhostUserGpu ours) {
            assertThat(ours.errors()).doesNotContain("WARNING", "SEVERE");
            assertThat(ours.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
        }
    }

    private void reset() throws IOException, InterruptedException {
        qemu.qmp().forgetEvents();
        qemu.qmp().execute("system_reset");
        qemu.qmp().waitForEvent("RESET", TestGuest.SOON);
    }

    private int openDescriptors() throws IOException {
        return gpu instanceof VhostUserGpu process ? process.openDescriptors() : 0;
    }
}
