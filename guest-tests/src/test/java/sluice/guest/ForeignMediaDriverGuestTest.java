package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.build.KernelModule;
import sluice.vdev.media.CodecProvider;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The codec and a driver of others, ChromeOS's for virtio-media, as it is: Debian's ffmpeg decodes with it in a guest to the byte, into
 * buffers of the device (MMAP). Needs the codec on the class path ({@code -Dsluice.codec}).
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "IOMMU {0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ForeignMediaDriverGuestTest extends MachineTest {
    /** What {@code guest-tests/host/virtio-media.sh} gets. */
    private static final String COMMIT = "924f3515123d907072f6ecbd770e65d4b5592d7c";
    private static final String MISSING = "guest-tests/host/virtio-media.sh has not been run";
    private static final int FRAMES = 120;
    private static final int MEMORY_MIB = 1536;
    /** Starting ffmpeg with its 200 libraries is most of it. */
    private static final Duration PLAY = Duration.ofMinutes(2);
    private static final Duration COMPLIANCE = Duration.ofMinutes(4);
    /** What v4l2-compliance 1.30 takes for a decoder. */
    private static final String CODINGS = "h264+mpeg2+hevc+vp8+vp9";
    private static final HostFfmpeg FFMPEG = new HostFfmpeg(TestQemu.CACHE);

    @TempDir
    private static @Nullable Path folder;
    private static @Nullable ServedDevice codec;

    ForeignMediaDriverGuestTest(GuestIommu iommu) {}

    static List<GuestIommu> configurations() {
        return Configurations.of(List.of(), List.of(GuestIommu.NONE, GuestIommu.VIRTIO));
    }

    private static Path source() {
        return TestQemu.CACHE.path().resolve("virtio-media").resolve(COMMIT);
    }

    static boolean isThere() {
        return Files.isReadable(source().resolve("Kbuild"));
    }

    private static Path clip() throws IOException, InterruptedException {
        return FFMPEG.clip(List.of("-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25", "-frames:v",
                Integer.toString(FRAMES), "-pix_fmt", "yuv420p", "-threads", "1", "-bf", "2", "-c:v", "libx264", "-g",
                "48"), ".mkv");
    }

    @BeforeParameterizedClassInvocation
    static void boot(GuestIommu iommu) throws Exception {
        if (!isThere()) return;
        Path root = Objects.requireNonNull(folder, "JUnit makes the folder").resolve("root-" + iommu);
        Files.copy(clip(), Files.createDirectories(root.resolve("clips")).resolve("h264.mkv"));
        GuestKernel kernel = GuestKernel.forQemu(TestQemu.QEMU_11.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "virtio-media", source(),
                TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).module("virtio-iommu").module("virtio_pci")
                .module("videobuf2-dma-sg").module("videobuf2-v4l2").module(driver, "").tree(root).tree(FFMPEG.root())
                .tree(TestQemu.CACHE.path().resolve("video/trixie")).build(TestQemu.CACHE);
        ServedDevice served = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "codings", CODINGS);
        codec = served;
        use(new TestGuest(served::close, Machine.of(TestQemu.QEMU_11.binary(), image).backEnd(served::close)
                .memory(MEMORY_MIB).kernel(iommu.kernel())
                .arguments(TestGuest.vfioUser(served.socket(), iommu.device())).boot(TestQemu.CACHE)));
    }

    private static List<String> run(String command, Duration limit) throws IOException, InterruptedException {
        Machine.Done done = machine().machine().run(command, limit);
        assertThat(done.status()).as("%s%n%s", command, String.join("\n", done.lines())).isZero();
        return done.lines();
    }

    /** Twice, because the second session finds what the first has left. */
    @Test
    @Order(1)
    @EnabledIf(value = "isThere", disabledReason = MISSING)
    void ffmpegDecodesEachFrameToTheByte() throws Exception {
        for (int i = 0; i < 2; i++) {
            List<String> said = run("""
                    /usr/bin/ffmpeg -hide_banner -nostdin -loglevel warning -c:v h264_v4l2m2m -i /clips/h264.mkv \
                    -fps_mode passthrough -f framemd5 -y /tmp/frames && cat /tmp/frames""", PLAY);
            assertThat(HostFfmpeg.framesIn(String.join("\n", said)))
                    .containsExactlyElementsOf(FFMPEG.frames(clip())).hasSize(FRAMES);
        }
    }

    /**
     * What fails is the driver's: it has G/S_PARM for decoders, and hides the capability for DMABUF, but passes on a request for such
     * buffers.
     */
    @Test
    @Order(2)
    @EnabledIf(value = "isThere", disabledReason = MISSING)
    void onlyWhatTheDriverDoesFails() throws Exception {
        List<String> said = run("""
                /usr/bin/v4l2-compliance -d /dev/video0 >/tmp/compliance 2>&1; \
                grep -E 'fail:|warn:|FAIL|^Total' /tmp/compliance""", COMPLIANCE);
        assertThat(said).filteredOn(line -> line.contains("fail:") || line.contains("warn:")).satisfiesExactly(
                line -> assertThat(line).contains("v4l2-test-formats.cpp").endsWith("node->is_m2m && !is_stateful_enc"),
                line -> assertThat(line).contains("v4l2-test-buffers.cpp")
                        .endsWith("dmabuf_valid ^ !!(caps & V4L2_BUF_CAP_SUPPORTS_DMABUF)"));
        assertThat(said).anyMatch(line -> line.matches("Total for .*: 48, Succeeded: 46, Failed: 2, Warnings: 0"));
    }

    @Test
    @Order(3)
    @EnabledIf(value = "isThere", disabledReason = MISSING)
    void thePowerGoesOffAndNothingWasWrong() throws Exception {
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|DMAR: .*[Ff]ault'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
        JsonObject report = JsonParser.parseString(Objects.requireNonNull(codec, "it is served").end())
                .getAsJsonObject();
        System.out.println(report);
        assertThat(report.getAsJsonObject("sessions").get("present").getAsInt()).isZero();
        assertThat(report.getAsJsonObject("sessions").get("failed").getAsInt()).isZero();
        assertThat(report.getAsJsonObject("copiedBytes").get("pictures").getAsLong()).isZero();
        assertThat(report.getAsJsonArray("findings")).isEmpty();
    }
}
