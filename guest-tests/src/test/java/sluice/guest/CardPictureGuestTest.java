package sluice.guest;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;

import javax.imageio.ImageIO;

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

import sluice.vdev.video.NumberedLines;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Stock drivers of a capture card and of a GPU, in one process here: the card's last picture is the GPU's resource by its UUID and is
 * scanned out where the card has written it, in every pixel right; also on a kernel whose virtio-gpu imports no buffer of others.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CardPictureGuestTest extends MachineTest {
    private static final int WIDTH = 320;
    private static final int HEIGHT = 200;
    private static final int PICTURES = 20;
    /** For which of them the last picture is looked for: the driver has given the card as many buffers. */
    private static final int BUFFERS = 16;
    private static @Nullable DeviceProcess process;

    private final Configuration configuration;

    CardPictureGuestTest(Configuration configuration) {
        this.configuration = configuration;
    }

    /** A card, with the driver that the guest has for it. */
    enum Card {
        /** Contiguous memory, lines of both fields in turns. */
        GRABBER("grabber,fps=5", "dt3155", ""),
        /** The same of the first channel of eight. */
        TW686X("tw686x,fps=5,numbered", "tw686x", "dma_mode=contig"),
        /** Scattered memory, the even lines before the odd ones. */
        SCATTERED("tw686x,fps=5,numbered", "tw686x", "dma_mode=sg");

        /** Of NTSC, 720 pixels of 16 bits a line. */
        private static final int LINE = 1440;
        private static final int LINES = 480;
        private final String options;
        private final String driver;
        private final String parameters;

        Card(String options, String driver, String parameters) {
            this.options = options;
            this.driver = driver;
            this.parameters = parameters;
        }

        /** What the screen has of a picture. */
        Picture asPixels(long number) {
            return switch (this) {
                case GRABBER -> GrabberPattern.asPixels(number, WIDTH, HEIGHT);
                case TW686X -> pixels(number, 1, 0);
                case SCATTERED -> pixels(number, 2, LINES / 2);
            };
        }

        private static Picture pixels(long number, int step, int fieldLines) {
            byte[] lines = new byte[LINE * LINES];
            new NumberedLines().fill(number, LINE, LINES, lines);
            ByteBuffer memory = ByteBuffer.allocate(lines.length).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < LINES; i++) {
                int line = step == 1 ? i : i % fieldLines * step + i / fieldLines;
                memory.put(lines, line * LINE, LINE);
            }
            int[] pixels = new int[WIDTH * HEIGHT];
            memory.flip().asIntBuffer().get(pixels);
            for (int i = 0; i < pixels.length; i++) pixels[i] |= 0xff00_0000;
            return new Picture(WIDTH, HEIGHT, pixels);
        }
    }

    /**
     * A machine.
     *
     * @param kernel as {@link GuestKernel#named} has it
     */
    record Configuration(String kernel, Card card) {
        @Override
        public String toString() {
            return "Linux, %s, %s".formatted(kernel, card);
        }
    }

    static List<Configuration> configurations() {
        return Configurations.of(List.of(),
                List.of(new Configuration("newest", Card.GRABBER), new Configuration("current", Card.GRABBER),
                        new Configuration("newest", Card.SCATTERED), new Configuration("current", Card.TW686X)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        Card card = configuration.card();
        GuestImage image = GuestImage.of(GuestKernel.named(configuration.kernel(), TestQemu.CACHE)).module("virtio-gpu")
                .module(card.driver, card.parameters).compiled("cardpicture.c").build(TestQemu.CACHE);
        DeviceProcess serving = DeviceProcess.start(TestGpus.launcher(), List.of(),
                List.of(new DeviceProcess.Served(card.options.replaceAll(",.*", ""),
                        card.options + ",export=" + UUID.randomUUID()),
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

    /** A file for eyes. */
    private void keep(Picture picture) throws IOException {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, WIDTH, HEIGHT, picture.argb(), 0, WIDTH);
        Path folder = Files.createDirectories(Path.of("target").toAbsolutePath());
        String name = "card-%s-%s.png".formatted(configuration.card(), configuration.kernel());
        ImageIO.write(image, "png", folder.resolve(name.toLowerCase(Locale.ROOT)).toFile());
    }

    private static long transferred(JsonObject gpu) {
        return gpu.getAsJsonObject("copiedBytes").get("transfer").getAsLong();
    }

    @Test
    @Order(1)
    void theScreenHasThePictureThatTheCardHasWrittenLast() throws Exception {
        machine().run("echo 0 >/sys/class/graphics/fbcon/cursor_blink");
        long before = transferred(devices().reports().getLast());
        machine().qemu().console().send("cardpicture %s %d".formatted(configuration.card().driver, PICTURES));
        Matcher line = machine().awaitLine("^SLUICE (?:shown (\\d+) (\\d+) (\\d+)|error .*|skip .*|exit .*)$");
        assertThat(line.group()).endsWith(" %d %d".formatted(WIDTH, HEIGHT));
        long captured = Long.parseLong(line.group(1));
        assertThat(captured).as("the last picture's number").isGreaterThanOrEqualTo(PICTURES - 1);
        Picture shown = devices().picture();
        // Four bytes are a pixel, of which the fourth is not shown.
        Optional<Picture.Difference> difference = Optional.empty();
        for (long n = captured; n < captured + BUFFERS; n++) {
            difference = configuration.card().asPixels(n).difference(shown);
            if (difference.isEmpty()) break;
        }
        assertThat(difference.map(Picture.Difference::sentence))
                .as("to the pictures of the numbers from %d on", captured).isEmpty();
        keep(shown);
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
    void theScreenIsBlackWhenTheCardStops() throws Exception {
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
