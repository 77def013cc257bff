package sluice.guest;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;

import org.jspecify.annotations.Nullable;
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
 * The capture card of several channels behind vfio-user, with the driver that Linux has for the real one, in each of its ways to use
 * DMA: what the guest captures is right to the byte. And what that driver does when user space gives no buffer back.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class Tw686xGuestTest extends MachineTest {
    private static final int FRAMES = 8;
    private static final int LINES = 480;
    /** For how long pictures are watched that nobody may write to. */
    private static final int SECONDS = 2;
    /** As slow as the driver needs it not to write into what a slow guest has not yet looked at. */
    private static final int FRAMES_PER_SECOND = 5;

    private static @Nullable VhostUserGpu served;

    private final Configuration configuration;

    Tw686xGuestTest(Configuration configuration) {
        this.configuration = configuration;
    }

    /**
     * A machine.
     *
     * @param kernel as {@link GuestKernel#named} calls it
     * @param chip as the card's option names it
     * @param channels of it
     * @param mode the driver's parameter
     */
    record Configuration(String kernel, String chip, int channels, String mode) {
        /** Whether what user space maps is what the card writes. */
        boolean isDirect() {
            return !mode.equals("memcpy");
        }
    }

    static List<Configuration> configurations() {
        return Configurations.of(List.of(new Configuration("newest", "6869", 8, "sg")),
                List.of(new Configuration("newest", "6864", 4, "contig"),
                        new Configuration("newest", "6865", 4, "memcpy"),
                        new Configuration("current", "6864", 4, "sg"),
                        new Configuration("current", "6869", 8, "contig")));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        List<String> command = TestGpus.deviceCommand("tw686x");
        command.addAll(List.of("--numbered", "--fps=" + FRAMES_PER_SECOND, "--chip=" + configuration.chip()));
        GuestImage image = GuestImage.of(GuestKernel.named(configuration.kernel(), TestQemu.CACHE))
                .module("tw686x", "dma_mode=" + configuration.mode())
                .compiled("stream.c")
                .compiled("keep.c").build(TestQemu.CACHE);
        VhostUserGpu card = VhostUserGpu.start("the card", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        served = card;
        use(TestGuest.boot(card, binary, image, "", TestGuest.vfioUser(card.socket(), "")));
    }

    @Test
    @Order(1)
    void theDriverKnowsTheCard() throws Exception {
        machine().run("grep -x 0x%s /sys/bus/pci/drivers/tw686x/*/device".formatted(configuration.chip()));
        machine().run("test $(grep -l '^tw%s video' /sys/class/video4linux/*/name | wc -l) = %d"
                .formatted(configuration.chip(), configuration.channels()));
    }

    /** Of the first channel, and of the last, whose registers and lists are elsewhere. */
    @Test
    @Order(2)
    void whatIsStreamedIsRight() throws Exception {
        for (int node : new int[]{ 0, configuration.channels() - 1 }) {
            String command = "stream /dev/video%d mmap %d".formatted(node, FRAMES);
            machine().qemu().console().send(command);
            assertThat(machine().awaitLine("^SLUICE (?:stream|error) .*").group())
                    .isEqualTo("SLUICE stream mmap frames %d failed 0 right %d packets right %d old 0 wiped 0 other 0"
                            .formatted(FRAMES, FRAMES, FRAMES * LINES));
            machine().awaitExit(command, 0);
        }
    }

    /**
     * A fault of the driver's (Linux 7.3 and 6.12, drivers/media/pci/tw686x/tw686x-video.c: tw686x_sg_buf_refill,
     * tw686x_contig_buf_refill): when it has no buffer to give, it leaves the card the one that it has handed to user space. With
     * memcpy it copies, and cannot.
     */
    @Test
    @Order(3)
    void theCardWritesIntoBuffersThatUserSpaceHolds() throws Exception {
        String command = "keep /dev/video0 " + SECONDS;
        machine().qemu().console().send(command);
        Matcher said = machine().awaitLine("^SLUICE (?:overwritten (\\d+) by (\\d+)|kept .*|error .*)$");
        machine().awaitExit(command, 0);
        if (configuration.isDirect()) {
            assertThat(said.group(1)).as("%s", said.group()).isNotNull();
            assertThat(Long.parseLong(said.group(2))).isGreaterThan(Long.parseLong(said.group(1)));
        } else {
            assertThat(said.group()).as("copied").startsWith("SLUICE kept ");
        }
    }

    @Test
    @Order(4)
    void thePowerGoesOffAndNothingHasFaulted() throws Exception {
        VhostUserGpu card = Objects.requireNonNull(served, "it was started before");
        machine().powerOff();
        assertThat(card.terminate(TestGuest.SOON)).as("the card's status").isZero();
        assertThat(card.errors()).doesNotContain("SEVERE").doesNotContain("WARNING");
    }
}
