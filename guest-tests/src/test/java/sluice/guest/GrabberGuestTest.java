package sluice.guest;

import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.cli.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The grabber behind vfio-user, with the driver that Linux has for the real card: what the guest grabs is the pattern, to the
 * byte, with and without an IOMMU of the VM's.
 */
@Tag("guest")
@ParameterizedClass(name = "{0}")
@EnumSource
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GrabberGuestTest {
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration WORK = Duration.ofSeconds(60);
    private static final Duration COMPLIANCE = Duration.ofMinutes(5);
    private static final int FRAME_BYTES = 768 * 576;
    private static final int FRAMES = 6;

    /** An IOMMU of a VM. */
    enum Iommu {
        NONE("", ""),
        INTEL("intel-iommu,intremap=off,caching-mode=on", " intel_iommu=on iommu.strict=1"),
        VIRTIO("virtio-iommu-pci", "");

        /** What {@code -device} adds it; empty for nothing. */
        private final String device;
        private final String kernel;

        Iommu(String device, String kernel) {
            this.device = device;
            this.kernel = kernel;
        }
    }

    private record Machine(VhostUserGpu grabber, Qemu qemu) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try {
                qemu.close();
            } finally {
                grabber.close();
            }
        }
    }

    private static @Nullable Machine running;

    private final Iommu iommu;
    private final Qemu qemu;

    GrabberGuestTest(Iommu iommu) {
        this.iommu = iommu;
        qemu = Objects.requireNonNull(running, "a machine was started before").qemu();
    }

    @BeforeParameterizedClassInvocation
    static void boot(Iommu iommu) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        VhostUserGpu grabber = VhostUserGpu.start("the grabber", TestGpus.deviceCommand("grabber"),
                VhostUserGpu.Readiness.SAYS_LISTENING);
        try {
            GuestImage image = GuestImage.forVideo(GuestKernel.forQemu(binary, TestQemu.CACHE), TestQemu.CACHE);
            List<String> arguments = new ArrayList<>();
            if (!iommu.device.isEmpty()) arguments.addAll(List.of("-device", iommu.device));
            arguments.addAll(List.of("-device",
                    "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}"
                            .formatted(grabber.socket())));
            running = new Machine(grabber,
                    new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, TestQemu.CACHE))
                            .boot(image, "sluice.run=serve" + iommu.kernel).arguments(arguments).start());
        } finally {
            if (running == null) grabber.close();
        }
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        Machine ended = running;
        running = null;
        if (ended != null) ended.close();
    }

    private void run(String command) throws IOException, InterruptedException {
        qemu.console().send(command);
        Matcher exit = qemu.console().waitFor("^SLUICE exit (\\d+)$", WORK);
        assertThat(exit.group(1)).as("exit status of: %s", command).isEqualTo("0");
    }

    @Test
    @Order(1)
    void theDriverKnowsTheCard() throws Exception {
        qemu.console().waitFor("^SLUICE ready$", BOOT);
        run("cat /sys/bus/pci/drivers/dt3155/*/vendor /sys/bus/pci/drivers/dt3155/*/device");
        run("test -c /dev/video0");
        run((iommu == Iommu.NONE ? "! " : "") + "test -e /sys/bus/pci/drivers/dt3155/*/iommu_group");
    }

    /** By read(2), which copies. */
    @Test
    @Order(2)
    void whatIsReadIsThePattern() throws Exception {
        run("dd if=/dev/video0 of=/tmp/frames bs=%d count=%d 2>/dev/null".formatted(FRAME_BYTES, FRAMES));
        assertFrames();
    }

    /** By buffers that the card writes and the program has mapped. */
    @Test
    @Order(3)
    void whatIsStreamedIsThePattern() throws Exception {
        run("/usr/bin/v4l2-ctl -d /dev/video0 --stream-mmap=4 --stream-count=%d --stream-to=/tmp/frames >/dev/null 2>&1"
                .formatted(FRAMES));
        assertFrames();
    }

    private void assertFrames() throws Exception {
        long last = -1;
        for (int i = 0; i < FRAMES; i++) {
            run("dd if=/tmp/frames of=/tmp/one bs=%d skip=%d count=1 2>/dev/null".formatted(FRAME_BYTES, i));
            qemu.console().send("""
                    echo frame $(head -c 4 /tmp/one | hexdump -v -e '1/1 "%02x"') $(md5sum </tmp/one)""");
            Matcher frame = qemu.console().waitFor("^frame ([0-9a-f]{8}) ([0-9a-f]{32})", WORK);
            qemu.console().waitFor("^SLUICE exit 0$", WORK);
            long number = Long.parseLong(frame.group(1), 16);
            assertThat(frame.group(2)).as("picture %d, which says it is frame %d", i, number)
                    .isEqualTo(md5(pattern(number)));
            assertThat(number).as("the frame after %d", last).isGreaterThan(last);
            last = number;
        }
    }

    /** What the kernel's developers test drivers with, all of it: formats, controls, inputs, streaming, odd ends. */
    @Test
    @Order(4)
    void theDriverCompliesOnTheCard() throws Exception {
        qemu.console().send(
                "/usr/bin/v4l2-compliance -d /dev/video0 -s >/tmp/compliance 2>&1; grep -E 'FAIL|^Total' /tmp/compliance");
        Matcher total = qemu.console().waitFor(
                "^Total for .*: (\\d+), Succeeded: (\\d+), Failed: (\\d+), Warnings: (\\d+)",
                COMPLIANCE);
        System.out.println(iommu + ": " + total.group());
        assertThat(total.group(3)).as(total.group()).isEqualTo("0");
        assertThat(Integer.parseInt(total.group(2))).isGreaterThan(40);
    }

    /** The pattern, written down a second time: what a test compares with is not the code it tests. */
    private static byte[] pattern(long frame) {
        byte[] picture = new byte[FRAME_BYTES];
        for (int i = 0; i < FRAME_BYTES; i++) {
            int x = i % 768;
            int y = i / 768;
            picture[i] = (byte) ((x ^ (3 * y)) + 7 * frame);
        }
        for (int i = 0; i < 4; i++) picture[i] = (byte) (frame >>> (24 - 8 * i));
        return picture;
    }

    private static String md5(byte[] bytes) throws NoSuchAlgorithmException {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    }
}
