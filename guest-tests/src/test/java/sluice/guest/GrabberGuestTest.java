package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The grabber behind vfio-user, with the driver that Linux has for the real card, which takes contiguous memory only. What
 * the guest grabs is the pattern, to the byte, in whatever buffers; and buffers of scattered pages need an IOMMU.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GrabberGuestTest extends MachineTest {
    private static final Duration COMPLIANCE = Duration.ofMinutes(5);
    private static final int FRAMES = 6;
    private static final int IMPORTED_FRAMES = 8;

    @TempDir
    private static @Nullable Path folder;

    private static @Nullable GrabberGuest booted;

    private final GuestIommu iommu;
    private final GrabberGuest guest;

    GrabberGuestTest(GuestIommu iommu) {
        this.iommu = iommu;
        guest = Objects.requireNonNull(booted, "a machine was started before");
    }

    static List<GuestIommu> configurations() {
        return Configurations.of(List.of(GuestIommu.VIRTIO), List.of(GuestIommu.NONE, GuestIommu.INTEL_STRICT));
    }

    @BeforeParameterizedClassInvocation
    static void boot(GuestIommu iommu) throws IOException, InterruptedException {
        GrabberGuest guest = GrabberGuest.boot(iommu,
                Objects.requireNonNull(folder, "JUnit makes the folder").resolve("statistics.json"));
        use(guest.machine());
        booted = guest;
    }

    @Test
    @Order(1)
    void theDriverKnowsTheCard() throws Exception {
        guest.run("cat /sys/bus/pci/drivers/dt3155/*/vendor /sys/bus/pci/drivers/dt3155/*/device");
        guest.run("test -c /dev/video0");
        guest.run((iommu == GuestIommu.NONE ? "! " : "") + "test -e /sys/bus/pci/drivers/dt3155/*/iommu_group");
    }

    /** By read(2), which copies. */
    @Test
    @Order(2)
    void whatIsReadIsThePattern() throws Exception {
        guest.run("dd if=/dev/video0 of=/tmp/frames bs=%d count=%d 2>/dev/null".formatted(GrabberPattern.BYTES,
                FRAMES));
        assertFrames();
    }

    /** By buffers that the card writes and the program has mapped. */
    @Test
    @Order(3)
    void whatIsStreamedIsThePattern() throws Exception {
        guest.run(
                "/usr/bin/v4l2-ctl -d /dev/video0 --stream-mmap=4 --stream-count=%d --stream-to=/tmp/frames >/dev/null 2>&1"
                        .formatted(FRAMES));
        assertFrames();
    }

    private void assertFrames() throws Exception {
        long last = -1;
        for (int i = 0; i < FRAMES; i++) {
            guest.run("dd if=/tmp/frames of=/tmp/one bs=%d skip=%d count=1 2>/dev/null".formatted(GrabberPattern.BYTES,
                    i));
            String command = "echo frame $(head -c 4 /tmp/one | hexdump -v -e '1/1 \"%02x\"') $(md5sum </tmp/one)";
            guest.qemu().console().send(command);
            Matcher frame = guest.awaitLine("^frame ([0-9a-f]{8}) ([0-9a-f]{32})");
            guest.awaitExit(command, 0);
            long number = Long.parseLong(frame.group(1), 16);
            assertThat(frame.group(2)).as("picture %d, which says it is frame %d", i, number)
                    .isEqualTo(GrabberPattern.md5(number));
            assertThat(number).as("the frame after %d", last).isGreaterThan(last);
            last = number;
        }
    }

    /** Newer tests ask more of a driver than an older kernel gives, so these two belong together. */
    @Test
    @Order(4)
    void theTestsAreThoseOfTheKernelsTime() throws Exception {
        guest.qemu().console().send("uname -r; /usr/bin/v4l2-compliance --version");
        assertThat(guest.awaitLine("^(\\d+)\\.\\d+").group(1)).as("the kernel's version").isEqualTo("7");
        assertThat(guest.awaitLine("^v4l2-compliance ([0-9.]+)").group(1)).as("v4l-utils").startsWith("1.30.");
        guest.awaitExit("--version", 0);
    }

    /**
     * What the kernel's developers test drivers with, all of it: formats, controls, inputs, streaming, odd ends; and streaming
     * into buffers that another driver exports.
     */
    @Test
    @Order(5)
    void theDriverCompliesOnTheCard() throws Exception {
        // The exporter's buffers must be as large as the grabber's, and are what its format needs.
        guest.run(
                "/usr/bin/v4l2-ctl -d /dev/video1 --set-fmt-video=width=640,height=360,pixelformat=YUYV >/tmp/format");
        guest.qemu().console().send("""
                /usr/bin/v4l2-compliance -d /dev/video0 -e /dev/video1 -s >/tmp/compliance 2>&1; \
                grep -E 'fail:|FAIL|DMABUF|^Total' /tmp/compliance""");
        Matcher total = guest.qemu().console().waitFor(
                "^Total for .*: (\\d+), Succeeded: (\\d+), Failed: (\\d+), Warnings: (\\d+)", COMPLIANCE);
        guest.awaitExit("grep", 0);
        System.out.printf("%s: %s %s%n", iommu, total.group(), guest.statisticsNow().getAsJsonObject("space"));
        assertThat(guest.qemu().console().lines()).as(total.group())
                .noneMatch(line -> line.matches(".*(fail:|FAIL).*"));
        assertThat(total.group(3)).as(total.group()).isEqualTo("0");
        assertThat(Integer.parseInt(total.group(2))).isGreaterThan(40);
        assertThat(guest.qemu().console().lines()).anyMatch(line -> line.matches("\\s*test DMABUF.*: OK"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "udmabuf", "dumb" })
    @Order(6)
    void scatteredBuffersNeedAnIommu(String kind) throws Exception {
        String command = "import /dev/video0 %s %d".formatted(kind, IMPORTED_FRAMES);
        if (iommu == GuestIommu.NONE) {
            assertIsRefused(command);
            return;
        }
        guest.qemu().console().send(command);
        long last = -1;
        for (int i = 0; i < IMPORTED_FRAMES; i++) last = assertFrame(i % 2, last);
        guest.awaitExit(command, 0);
    }

    /**
     * The import fails as it must where there is no IOMMU, in the driver's words: the first page, or the first few where the
     * kernel had neighbours, and all that it needs. What is mapped for the card, all of the guest's memory, stays so.
     */
    private void assertIsRefused(String command) throws Exception {
        long mapped = guest.mappedBytes();
        assertThat(mapped).as("mapped, where the guest has no say").isGreaterThan(GrabberPattern.BYTES);
        guest.qemu().console().send(command);
        // The kernel's own words may come in the middle of a line.
        guest.awaitLine("^SLUICE error VIDIOC_QBUF EFAULT(?:\\[.*)?$");
        guest.awaitExit(command, 1);
        guest.run("dmesg | grep 'contiguous chunk is too small [0-9]*/%d$'".formatted(GrabberPattern.BYTES));
        guest.run("dmesg -c >/tmp/said");
        assertThat(guest.mappedBytes()).as("mapped, after a refused import").isEqualTo(mapped);
    }

    /** The next frame is in this buffer, is whole, and is a later one than {@code last}; returns its number. */
    private long assertFrame(int index, long last) throws Exception {
        Matcher frame = guest
                .awaitLine("^SLUICE (?:frame (\\d+) (\\d) ([0-9a-f]{8}) ([0-9a-f]{8})|error .*|exit .*)$");
        assertThat(frame.group()).startsWith("SLUICE frame ");
        assertThat(frame.group(2)).as("the buffer of: %s", frame.group()).isEqualTo(Integer.toString(index));
        long number = Long.parseLong(frame.group(4), 16);
        assertThat(frame.group(3)).as("checksum of: %s", frame.group()).isEqualTo(GrabberPattern.crc(number));
        assertThat(number).as("the frame after %d", last).isGreaterThan(last);
        return number;
    }

    /** The queue holds a buffer whose descriptor its owner has closed. */
    @ParameterizedTest
    @ValueSource(strings = { "udmabuf", "dumb" })
    @Order(7)
    void queuedBuffersOutliveTheirDescriptors(String kind) throws Exception {
        String command = "import /dev/video0 " + kind + " 1 closed";
        if (iommu == GuestIommu.NONE) {
            assertIsRefused(command);
            return;
        }
        guest.qemu().console().send(command);
        assertFrame(0, -1);
        guest.awaitExit(command, 0);
    }

    /** What the driver maps for the card and unmaps is what the card can reach, and cannot reach any more. */
    @ParameterizedTest
    @ValueSource(strings = { "udmabuf", "dumb" })
    @Order(8)
    void whatTheQueueGivesUpIsTakenAway(String kind) throws Exception {
        String command = "import /dev/video0 " + kind + " 3 held";
        if (iommu == GuestIommu.NONE) {
            assertIsRefused(command);
            return;
        }
        awaitMappedBytes(0);
        guest.qemu().console().send(command);
        guest.awaitLine("^SLUICE held$");
        assertThat(guest.mappedBytes()).as("mapped, while two buffers are the queue's")
                .isEqualTo(2L * GrabberPattern.BYTES);
        guest.qemu().console().send("");
        guest.awaitLine("^SLUICE released$");
        awaitMappedBytes(0);
        guest.qemu().console().send("");
        guest.awaitExit(command, 0);
        awaitMappedBytes(0);
    }

    /** The program is gone while the card writes into its buffers; the queue stops the card before it gives them up. */
    @ParameterizedTest
    @ValueSource(strings = { "udmabuf", "dumb" })
    @Order(9)
    void aProgramThatDiesTakesItsBuffersAway(String kind) throws Exception {
        String command = "import /dev/video0 " + kind + " 3 killed";
        if (iommu == GuestIommu.NONE) {
            assertIsRefused(command);
            return;
        }
        awaitMappedBytes(0);
        guest.qemu().console().send(command);
        guest.awaitExit(command, 128 + 9);
        awaitMappedBytes(0);
    }

    /** Linux may flush what it has unmapped some milliseconds later. */
    private void awaitMappedBytes(long expected) throws Exception {
        long deadline = System.nanoTime() + TestGuest.SOON.toNanos();
        long mapped = guest.mappedBytes();
        while (mapped != expected && System.nanoTime() < deadline)
            mapped = guest.mappedBytes();
        assertThat(mapped).as("mapped, after the buffers").isEqualTo(expected);
    }

    @Test
    @Order(10)
    void thePowerGoesOffAndNothingHasFaulted() throws Exception {
        machine().powerOff();
        assertThat(guest.grabber().terminate(TestGuest.SOON)).as("the grabber's status").isZero();
        assertThat(guest.grabber().errors()).doesNotContain("SEVERE");
        JsonObject end = guest.lastStatistics();
        System.out.printf("%s: %s%n", iommu, end);
        assertThat(end.getAsJsonObject("faults").entrySet()).isEmpty();
        assertThat(end.get("addressErrors").getAsLong()).isZero();
        JsonObject space = end.getAsJsonObject("space");
        assertThat(space.get("mappings").getAsLong()).isZero();
        assertThat(space.get("unmaps").getAsLong()).isEqualTo(space.get("maps").getAsLong());
    }
}
