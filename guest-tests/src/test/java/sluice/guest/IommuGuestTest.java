package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

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
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Our GPU behind each IOMMU that QEMU can give a VM: the same kernel draws the same picture, and what the device reads
 * although which is not mapped for it is refused, by the guest's own IOMMU driver in words.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class IommuGuestTest extends MachineTest {
    /** The transfer in which the device reads what it must not: one of the text console's, while the guest boots. */
    private static final int STRAY_TRANSFER = 2;
    private static final String STRAY_ADDRESS = "0x12345000";

    /** An IOMMU of a VM. */
    enum Iommu {
        /** The driver uses its DMA addresses, and they are guest addresses. */
        NONE("", "", null),
        INTEL_STRICT("intel-iommu,intremap=off,device-iotlb=on", "intel_iommu=on iommu.strict=1",
                "DMAR: .* fault addr 0x12345000"),
        /** Linux's default: unmaps in bulk, some milliseconds later. */
        INTEL_LAZY("intel-iommu,intremap=off,device-iotlb=on", "intel_iommu=on",
                "DMAR: .* fault addr 0x12345000"),
        /** Strict, because Linux 7.2 may hang when it restarts: the timer of its lazy mode outlives the IOMMU. */
        VIRTIO("virtio-iommu-pci", "iommu.strict=1", "virtio_iommu .* fault from EP .* at 0x0*12345000");

        /** What {@code -device} adds it; empty for nothing. */
        private final String device;
        private final String kernel;
        /** The guest driver's message for a reported fault; null if faults are not reported. */
        private final @Nullable String complaint;

        Iommu(String device, String kernel, @Nullable String complaint) {
            this.device = device;
            this.kernel = kernel;
            this.complaint = complaint;
        }
    }

    record Configuration(TestQemu qemu, Iommu iommu) {
        @Override
        public String toString() {
            return "%s, %s".formatted(qemu, iommu);
        }
    }

    @TempDir
    private static @Nullable Path folder;

    private final Configuration configuration;
    private final VhostUserGpu gpu;
    private final Qemu qemu;
    private final PatternGuest guest;

    IommuGuestTest(Configuration configuration) {
        this.configuration = configuration;
        gpu = (VhostUserGpu) machine().backEnd();
        qemu = machine().qemu();
        guest = new PatternGuest(qemu, 1280, 800);
    }

    static List<Configuration> configurations() {
        List<Configuration> capabilities = List.of(new Configuration(TestQemu.QEMU_10, Iommu.INTEL_STRICT),
                new Configuration(TestQemu.QEMU_11, Iommu.VIRTIO));
        List<Configuration> others = new ArrayList<>();
        for (TestQemu qemu : List.of(TestQemu.QEMU_10, TestQemu.QEMU_11)) {
            for (Iommu iommu : Iommu.values()) others.add(new Configuration(qemu, iommu));
        }
        others.removeAll(capabilities);
        return Configurations.of(capabilities, others);
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws IOException, InterruptedException {
        QemuBinary binary = configuration.qemu.binary();
        GuestImage image = PatternGuest.image(binary);
        List<String> command = TestGpus.sluiceCommand();
        command.add("--stats=" + statistics());
        command.add("--inject=stray-read,address=%s,from=%d".formatted(STRAY_ADDRESS, STRAY_TRANSFER));
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        List<String> arguments = new ArrayList<>();
        if (!configuration.iommu.device.isEmpty()) arguments.addAll(List.of("-device", configuration.iommu.device));
        arguments.addAll(gpu.qemuArguments("iommu_platform=on"));
        use(TestGuest.boot(gpu, binary, image, "loglevel=0 " + configuration.iommu.kernel, arguments));
    }

    private static Path statistics() {
        return Objects.requireNonNull(folder, "JUnit makes the folder").resolve("statistics.json");
    }

    @Test
    @Order(1)
    void theSamePictureIsDrawn() throws IOException, InterruptedException {
        guest.draw(5, 2);
        guest.flip(3);
        guest.quit();
    }

    /** Each run attaches buffers and detaches them at its end. */
    @Test
    @Order(2)
    void buffersComeAndGo() throws IOException, InterruptedException {
        for (int run = 0; run < 4; run++) {
            guest.draw(1, 3);
            guest.quit();
        }
    }

    @Test
    @Order(3)
    void aStoppedMachineGoesOn() throws IOException, InterruptedException {
        guest.drawAcrossPauses(machine(), 1, 2, 2);
    }

    @Test
    @Order(4)
    void whatNobodyGaveTheDeviceIsRefusedInTheGuestToo() throws IOException, InterruptedException {
        assertThat(gpu.errors()).contains("which is not mapped for it");
        assertThat(gpu.errors().lines().filter(line -> line.contains("refused the translation")).toList())
                .as("translations refused while a driver ran: the one that was injected")
                .hasSize(configuration.iommu == Iommu.NONE ? 0 : 1)
                .allMatch(line -> line.contains(STRAY_ADDRESS));
        String complaint = configuration.iommu.complaint;
        qemu.console().send((complaint == null ? "! " : "") + "dmesg | grep 12345000");
        guest.awaitExit();
        if (complaint != null)
            assertThat(qemu.console().lines()).anyMatch(line -> line.matches(".*" + complaint + ".*"));
    }

    /** From the kernel's IOMMU driver to the firmware, which has none, and back. */
    @Test
    @Order(5)
    void aRebootedGuestDrawsAgain() throws IOException, InterruptedException {
        machine().reboot();
        guest.draw(2, 2);
        guest.quit();
    }

    @Test
    @Order(6)
    void theGuestPowersOffAndTheFaultsAreThoseThatWereInjected() throws IOException, InterruptedException {
        machine().powerOff();
        assertThat(gpu.terminate(TestGuest.SOON)).as("the GPU process's status").isZero();
        assertThat(gpu.errors()).doesNotContain("SEVERE");
        JsonObject statistics = JsonParser.parseString(Files.readString(statistics())).getAsJsonObject();
        assertThat(statistics.getAsJsonObject("faults").entrySet()).as("faults of the device's own space").isEmpty();
        JsonObject front = statistics.getAsJsonObject("frontIommu");
        if (configuration.iommu == Iommu.NONE) {
            assertThat(front.get("misses").getAsLong()).isZero();
        } else {
            assertThat(front.get("misses").getAsLong()).isPositive();
            // The read that was injected; and a kernel that reboots unmaps what the device is at work on.
            assertThat(front.get("faults").getAsLong()).isPositive();
        }
    }
}
