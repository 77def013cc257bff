package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.guest.build.KernelModule;
import sluice.vdev.media.CodecProvider;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The codec and the clients of others, Debian's ffmpeg, GStreamer and v4l-utils, in a guest with our driver: all frames of clips with
 * B-frames are those that libavcodec of the same ffmpeg makes on the host, to the byte and in the order of display, and
 * v4l2-compliance finds nothing. Needs the codec on the class path ({@code -Dsluice.codec}).
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class CodecClientsGuestTest extends MachineTest {
    private static final int FRAMES = 120;
    private static final int MEMORY_MIB = 1536;
    /** Starting ffmpeg with its 200 libraries is most of it. */
    private static final Duration PLAY = Duration.ofMinutes(2);
    private static final Duration COMPLIANCE = Duration.ofMinutes(4);
    /** Frames without padding, which GStreamer would sum up too. */
    private static final String UNPADDED = "256x160";
    private static final String PADDED = "176x144";
    /** What v4l2-compliance 1.30 takes for a decoder: AV1 it does not know, and MJPEG is another kind of codec for it. */
    private static final String CODINGS = "h264+mpeg2+hevc+vp8+vp9";
    private static final HostFfmpeg FFMPEG = new HostFfmpeg(TestQemu.CACHE);

    @TempDir
    private static @Nullable Path folder;
    private static @Nullable ServedDevice codec;

    CodecClientsGuestTest(Configuration configuration) {}

    /** A machine. */
    record Configuration(GuestIommu iommu) {
        @Override
        public String toString() {
            return "IOMMU " + iommu.label();
        }
    }

    static List<Configuration> configurations() {
        return Configurations.of(List.of(), List.of(new Configuration(GuestIommu.VIRTIO)));
    }

    private static Path h264(String size) throws IOException, InterruptedException {
        return FFMPEG.clip(List.of("-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=25", "-frames:v",
                Integer.toString(FRAMES), "-pix_fmt", "yuv420p", "-threads", "1", "-bf", "2", "-c:v", "libx264", "-g",
                "48"), ".mkv");
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        Path root = Objects.requireNonNull(folder, "JUnit makes the folder").resolve("root");
        Path clips = Files.createDirectories(root.resolve("clips"));
        Path padded = h264(PADDED);
        Files.copy(padded, clips.resolve("h264.mkv"));
        // Access unit delimiters tell where a unit begins.
        Path delimited = FFMPEG.clip(List.of("-i", padded.toString(), "-c", "copy", "-bsf:v",
                "h264_mp4toannexb,h264_metadata=aud=insert"), ".h264");
        CodedUnits.h264(Files.readAllBytes(delimited)).write(clips.resolve("h264.units"));
        Files.copy(FFMPEG.clip(List.of("-i", h264(UNPADDED).toString(), "-c", "copy"), ".h264"),
                clips.resolve("unpadded.h264"));

        GuestKernel kernel = GuestKernel.forQemu(TestQemu.QEMU_11.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "media", TestQemu.CACHE);
        GuestImage.Builder image = GuestImage.of(kernel).module("virtio-iommu").module("virtio_pci")
                .module("videobuf2-dma-sg").module("videobuf2-v4l2").module("virtio_dma_buf").module(driver, "")
                .tree(root).tree(FFMPEG.root());
        for (String tools : new String[]{ "gstreamer", "video" })
            image.tree(TestQemu.CACHE.path().resolve(tools + "/trixie"));
        ServedDevice served = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "codings", CODINGS);
        codec = served;
        use(new TestGuest(served::close, Machine.of(TestQemu.QEMU_11.binary(), image.build(TestQemu.CACHE))
                .backEnd(served::close).memory(MEMORY_MIB).kernel(configuration.iommu.kernel())
                .arguments(TestGuest.vfioUser(served.socket(), configuration.iommu.device())).boot(TestQemu.CACHE)));
    }

    private static List<String> run(String command, Duration limit) throws IOException, InterruptedException {
        Machine.Done done = machine().machine().run(command, limit);
        assertThat(done.status()).as("%s%n%s", command, String.join("\n", done.lines())).isZero();
        return done.lines();
    }

    private static void assertAllRight(List<String> frames, Path clip) throws IOException, InterruptedException {
        assertThat(frames).containsExactlyElementsOf(FFMPEG.frames(clip)).hasSize(FRAMES);
    }

    @Test
    @Order(1)
    void ffmpegDecodesEachFrameToTheByte() throws Exception {
        List<String> said = run("""
                /usr/bin/ffmpeg -hide_banner -nostdin -loglevel warning -c:v h264_v4l2m2m -i /clips/h264.mkv \
                -fps_mode passthrough -f framemd5 /tmp/frames && cat /tmp/frames""", PLAY);
        assertAllRight(HostFfmpeg.framesIn(String.join("\n", said)), h264(PADDED));
    }

    /** GStreamer imports nothing here, but takes the frames as dma-bufs that the driver exports, unless it is told otherwise. */
    @ParameterizedTest
    @ValueSource(strings = { "mmap", "dmabuf" })
    @Order(2)
    void gstreamerDecodesEachFrameToTheByte(String mode) throws Exception {
        List<String> said = run("""
                GST_REGISTRY=/tmp/registry GST_REGISTRY_FORK=no /usr/bin/gst-launch-1.0 -q \
                filesrc location=/clips/unpadded.h264 ! h264parse ! v4l2h264dec capture-io-mode=%s ! \
                video/x-raw,format=I420 ! checksumsink hash=md5""".formatted(mode), PLAY);
        List<String> sums = said.stream().filter(line -> line.matches("\\d+:\\d+:\\d+\\.\\d+ [0-9a-f]{32}"))
                .map(line -> line.substring(line.indexOf(' ') + 1)).toList();
        assertAllRight(sums, h264(UNPADDED));
    }

    @Test
    @Order(3)
    void v4l2CtlDecodesEachFrameToTheByte() throws Exception {
        List<String> said = run("""
                /usr/bin/v4l2-ctl -d /dev/video0 -x pixelformat=H264 --stream-mmap --stream-out-mmap \
                --stream-from-hdr=/clips/h264.units --stream-to=/tmp/frames >/dev/null 2>&1 && \
                md5sum </tmp/frames""", PLAY);
        assertThat(said).contains(FFMPEG.md5(h264(PADDED)) + "  -");
    }

    /**
     * All of what the kernel's developers test drivers with, streaming included: nothing fails. One warning comes and goes: a buffer may
     * come back before QBUF returns, which the tool calls unusual and not necessarily wrong.
     */
    @Test
    @Order(4)
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    void theDeviceComplies() throws Exception {
        List<String> said = run(
                """
                        /usr/bin/v4l2-compliance -d /dev/video0 -s --stream-from-hdr H264=/clips/h264.units >/tmp/compliance 2>&1; \
                        tr '\\r' '\\n' </tmp/compliance | grep -E 'fail:|warn:|FAIL|^Total|test (MMAP|USERPTR)'""",
                COMPLIANCE);
        System.out.println(String.join("\n", said));
        assertThat(said).filteredOn(line -> line.matches(".*(fail:|warn:|FAIL).*"))
                .allMatch(line -> line.contains("warn:") && line.endsWith("QBUF returned the buffer as DONE."));
        assertThat(said).anyMatch(line -> line.matches("Total for .*, Failed: 0, Warnings: \\d+"));
        assertThat(said).filteredOn(line -> line.matches("\\s*test (MMAP|USERPTR).*: OK")).hasSize(5);
    }

    @Test
    @Order(5)
    void thePowerGoesOffAndNothingWasWrong() throws Exception {
        // Only what v4l2-compliance does on purpose.
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|DMAR: .*[Ff]ault'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
        JsonObject report = JsonParser.parseString(Objects.requireNonNull(codec, "it is served").end())
                .getAsJsonObject();
        System.out.println(report);
        assertThat(report.getAsJsonObject("sessions").get("present").getAsInt()).isZero();
        assertThat(report.getAsJsonObject("sessions").get("failed").getAsInt()).isZero();
        // v4l2-compliance queues what it has written with V4L2_BUF_FLAG_NO_CACHE_CLEAN, to see whether the flag comes back.
        assertThat(report.getAsJsonArray("findings")).allSatisfy(
                finding -> assertThat(finding.getAsJsonObject().get("rule").getAsString())
                        .isEqualTo("MISSING_SYNC_FOR_DEVICE"));
    }
}
