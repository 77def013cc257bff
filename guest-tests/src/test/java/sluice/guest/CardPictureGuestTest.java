package sluice.guest;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Stock drivers of a grabber and of a GPU, in one process here: the grabber's last picture is the GPU's resource by its UUID and is
 * scanned out where the grabber has written it, in every pixel right; also on a kernel whose virtio-gpu imports no buffer of others.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "Linux, {0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CardPictureGuestTest extends MachineTest {
    private static final int WIDTH = 320;
    private static final int HEIGHT = 200;
    private static final int PICTURES = 20;
    private static @Nullable DeviceProcess process;

    CardPictureGuestTest(String kernel) {
        assertThat(kernel).isIn(configurations());
    }

    /** Kernels, as {@link GuestKernel#named} has them: 7 and 6.12. */
    static List<String> configurations() {
        return Configurations.of(List.of(), List.of("newest", "current"));
    }

    @BeforeParameterizedClassInvocation
    static void boot(String kernel) throws Exception {
        GuestImage image = GuestImage.of(GuestKernel.named(kernel, TestQemu.CACHE)).module("virtio-gpu")
                .module("dt3155").compiled("cardpicture.c").build(TestQemu.CACHE);
        DeviceProcess serving = DeviceProcess.start(TestGpus.launcher(), List.of(),
                List.of(new DeviceProcess.Served("grabber", "grabber,fps=5,export=" + UUID.randomUUID()),
                        new DeviceProcess.Served("gpu",
                                "gpu,transport=vfio-user,blob,host3d,host-window=16,resolution=%dx%d"
                                        .formatted(WIDTH, HEIGHT),
                                true, QemuBus.NONE)));
        process = serving;
        use(new TestGuest(serving, Machine.of(TestQemu.QEMU_11.binary(), image).backEnd(serving)
                .arguments(serving.qemuArguments()).boot(TestQemu.CACHE)));
    }

    private static DeviceProcess devices() {
        return Objects.requireNonNull(process, "it was started");
    }

    private static long transferred(JsonObject gpu) {
        return gpu.getAsJsonObject("copiedBytes").get("transfer").getAsLong();
    }

    @Test
    @Order(1)
    void theScreenHasThePictureThatTheGrabberHasWrittenLast() throws Exception {
        machine().run("echo 0 >/sys/class/graphics/fbcon/cursor_blink");
        long before = transferred(devices().reports().getLast());
        machine().qemu().console().send("cardpicture " + PICTURES);
        Matcher line = machine().awaitLine("^SLUICE (?:shown (\\d+) (\\d+) (\\d+)|error .*|skip .*|exit .*)$");
        assertThat(line.group()).endsWith(" %d %d".formatted(WIDTH, HEIGHT));
        long captured = Long.parseLong(line.group(1));
        assertThat(captured).as("the last picture's number").isGreaterThanOrEqualTo(PICTURES - 1);
        Picture shown = devices().picture();
        // Four grey pixels are one, and the fourth of them is not shown.
        Picture expected = null;
        for (long n = captured; n < captured + 16; n++) {
            Picture candidate = GrabberPattern.asPixels(n, WIDTH, HEIGHT);
            if (candidate.argb()[1] == shown.argb()[1]) expected = candidate;
        }
        assertThat(expected).as("a picture since number %d", captured).isNotNull();
        assertThat(Objects.requireNonNull(expected).difference(shown).map(Picture.Difference::sentence)).isEmpty();
        List<JsonObject> reports = devices().reports();
        JsonObject gpu = reports.getLast();
        // The cursor by which the program waits, and what the console draws at the beginning.
        assertThat(transferred(gpu) - before).as("bytes transferred").isLessThan(WIDTH * HEIGHT * 4L);
        assertThat(gpu.get("frames").getAsLong()).as("frames").isGreaterThanOrEqualTo(PICTURES);
        for (JsonObject report : reports) assertThat(report.getAsJsonArray("findings")).isEmpty();
        assertThat(reports.getFirst().getAsJsonObject("dma").get("messages").getAsLong()).isZero();
        machine().qemu().console().send("go on");
    }

    /** The driver may free its buffers after that. */
    @Test
    @Order(2)
    void theScreenIsBlackWhenTheGrabberStops() throws Exception {
        assertThat(machine().awaitLine("^SLUICE (?:stopped|error .*|skip .*|exit .*)$").group())
                .isEqualTo("SLUICE stopped");
        int[] black = new int[WIDTH * HEIGHT];
        Arrays.fill(black, 0xff00_0000);
        Optional<Picture.Difference> difference = Optional.empty();
        // A picture may be one that was written with an earlier report.
        for (int i = 0; i < 3; i++) {
            difference = new Picture(WIDTH, HEIGHT, black).difference(devices().picture());
            if (difference.isEmpty()) break;
        }
        assertThat(difference.map(Picture.Difference::sentence)).isEmpty();
        assertThat(devices().reports().getLast().getAsJsonArray("findings").toString())
                .contains("SHOWN_WITHOUT_MEMORY");
        machine().qemu().console().send("go on");
        machine().awaitExit("cardpicture", 0);
    }

    @Test
    @Order(3)
    void thePowerGoesOffAndNobodyHasComplained() throws IOException, InterruptedException {
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|BUG:'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
    }
}
