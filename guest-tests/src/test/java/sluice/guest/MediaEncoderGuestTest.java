package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

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
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.build.KernelModule;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.PacketSink;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.media.CodecProvider;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The encoder and Debian's ffmpeg in a guest with our driver: the stream is byte by byte that which the library makes of the same
 * pictures by itself, and as near to them. Needs the codec on the class path ({@code -Dsluice.codec}).
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "IOMMU {0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MediaEncoderGuestTest extends MachineTest {
    private static final int WIDTH = 256;
    private static final int HEIGHT = 160;
    private static final int FRAMES = 50;
    private static final int RATE = 25;
    private static final int BITS_PER_SECOND = 1_000_000;
    private static final int GROUP = 20;
    /** What ffmpeg asks for if nobody tells it. */
    private static final int MOST_QUANTIZER = 51;
    private static final double LEAST_DECIBELS = 25;
    private static final int MEMORY_MIB = 1536;
    /** Bytes of the pictures with which an encoder begins, 640x480. */
    private static final long COMPLIANCE_PICTURE = 640 * 480 * 3 / 2;
    private static final Duration COMPLIANCE = Duration.ofMinutes(4);
    private static final Duration PLAY = Duration.ofMinutes(2);
    private static final PictureFormat FORMAT = new PictureFormat(PixelFormat.YU12, WIDTH, HEIGHT);
    private static final Pattern PSNR = Pattern.compile("psnr_avg:(\\S+)");
    private static final HostFfmpeg FFMPEG = new HostFfmpeg(TestQemu.CACHE);

    @TempDir
    private static @Nullable Path folder;
    private static @Nullable ServedDevice codec;

    MediaEncoderGuestTest(GuestIommu iommu) {}

    static List<GuestIommu> configurations() {
        return Configurations.of(List.of(), List.of(GuestIommu.VIRTIO));
    }

    private static Path source() throws IOException, InterruptedException {
        return FFMPEG.clip(List.of("-f", "lavfi", "-i", "testsrc2=size=%dx%d:rate=%d".formatted(WIDTH, HEIGHT, RATE),
                "-frames:v", Integer.toString(FRAMES), "-pix_fmt", "yuv420p", "-f", "rawvideo"), ".yuv");
    }

    @BeforeParameterizedClassInvocation
    static void boot(GuestIommu iommu) throws Exception {
        Path root = Objects.requireNonNull(folder, "JUnit makes the folder").resolve("root");
        Files.copy(source(), Files.createDirectories(root.resolve("clips")).resolve("source.yuv"));
        GuestKernel kernel = GuestKernel.forQemu(TestQemu.QEMU_11.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "media", TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).module("virtio-iommu").module("virtio_pci")
                .module("videobuf2-dma-sg").module("videobuf2-v4l2").module("virtio_dma_buf").module(driver, "")
                .tree(root).tree(FFMPEG.root())
                .tree(TestQemu.CACHE.path().resolve("video/trixie")).build(TestQemu.CACHE);
        ServedDevice served = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "encoder", "",
                "codings", "h264");
        codec = served;
        use(new TestGuest(served::close, Machine.of(TestQemu.QEMU_11.binary(), image).backEnd(served::close)
                .memory(MEMORY_MIB).kernel(iommu.kernel())
                .arguments(TestGuest.vfioUser(served.socket(), iommu.device())).boot(TestQemu.CACHE)));
    }

    /** The library's own run, in this process. */
    private static byte[] alone() throws IOException, InterruptedException, CodecException {
        byte[] pictures = Files.readAllBytes(source());
        int bytes = Math.toIntExact(FORMAT.bytes());
        assertThat(pictures).hasSize(FRAMES * bytes);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        PacketSink sink = (packet, time, key) -> stream.writeBytes(packet.toArray(ValueLayout.JAVA_BYTE));
        EncoderSettings settings = new EncoderSettings(Coding.H264, FORMAT, new Ratio(RATE, 1),
                new Ratio(WIDTH, HEIGHT), BITS_PER_SECOND, BITS_PER_SECOND, BITS_PER_SECOND / 2, GROUP, 0, 0,
                MOST_QUANTIZER);
        try (Arena arena = Arena.ofConfined();
                Encoder encoder = Engines.encoding(Coding.H264)
                        .orElseThrow(() -> new AssertionError("no codec on the class path: -Dsluice.codec"))
                        .encoder(settings)) {
            MemorySegment memory = arena.allocate(FORMAT.bytes(), 64);
            for (int i = 0; i < FRAMES; i++) {
                MemorySegment.copy(pictures, i * bytes, memory, ValueLayout.JAVA_BYTE, 0, bytes);
                encoder.encode(Picture.in(memory, FORMAT), i + 1L, false, sink);
            }
            encoder.drain(sink);
        }
        return stream.toByteArray();
    }

    private static String md5(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    }

    private static void assertIsNear(byte[] stream) throws IOException, InterruptedException {
        Path file = Objects.requireNonNull(folder, "JUnit makes the folder").resolve("alone.h264");
        Files.write(file, stream);
        String said = FFMPEG.run(List.of("-r", Integer.toString(RATE), "-i", file.toString(), "-f", "rawvideo",
                "-video_size", WIDTH + "x" + HEIGHT, "-pixel_format", "yuv420p", "-framerate", Integer.toString(RATE),
                "-i", source().toString(), "-lavfi", "psnr=stats_file=-", "-f", "null", "-"));
        List<Double> decibels = PSNR.matcher(said).results().map(result -> Double.valueOf(result.group(1))).toList();
        System.out.printf("%d pictures, %d bytes, PSNR mean %.1f dB, least %.1f dB%n", decibels.size(), stream.length,
                decibels.stream().mapToDouble(d -> d).average().orElseThrow(),
                decibels.stream().mapToDouble(d -> d).min().orElseThrow());
        assertThat(decibels).hasSize(FRAMES).allMatch(one -> one > LEAST_DECIBELS);
    }

    @Test
    @Order(1)
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    void theStreamIsThatOfTheLibraryAlone() throws Exception {
        String command = """
                /usr/bin/ffmpeg -hide_banner -nostdin -loglevel warning -f rawvideo -video_size %dx%d -pixel_format yuv420p \
                -framerate %d -i /clips/source.yuv -c:v h264_v4l2m2m -b:v %d -g %d -fps_mode passthrough -f h264 \
                -y /tmp/stream && wc -c </tmp/stream && md5sum </tmp/stream"""
                .formatted(WIDTH, HEIGHT, RATE, BITS_PER_SECOND, GROUP);
        Machine.Done done = machine().machine().run(command, PLAY);
        assertThat(done.status()).as("%s%n%s", command, String.join("\n", done.lines())).isZero();
        byte[] expected = alone();
        assertThat(done.lines()).as("the library alone has %d bytes", expected.length).contains(md5(expected) + "  -");
        assertIsNear(expected);
    }

    /** All of what the kernel's developers test encoders with, streaming included; a warning as for the decoder comes and goes. */
    @Test
    @Order(2)
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    void theDeviceComplies() throws Exception {
        List<String> said = machine().machine().run("""
                /usr/bin/v4l2-compliance -d /dev/video0 -s >/tmp/compliance 2>&1; \
                tr '\\r' '\\n' </tmp/compliance | grep -E 'Detected|fail:|warn:|FAIL|^Total|test (MMAP|USERPTR)'""",
                COMPLIANCE).lines();
        System.out.println(String.join("\n", said));
        assertThat(said).anyMatch(line -> line.strip().equals("Detected Stateful Encoder"));
        assertThat(said).filteredOn(line -> line.matches(".*(fail:|warn:|FAIL).*"))
                .allMatch(line -> line.contains("warn:") && line.endsWith("QBUF returned the buffer as DONE."));
        assertThat(said).anyMatch(line -> line.matches("Total for .*, Failed: 0, Warnings: \\d+"));
        assertThat(said).filteredOn(line -> line.matches("\\s*test (MMAP|USERPTR).*: OK")).hasSize(5);
    }

    @Test
    @Order(3)
    void thePowerGoesOffAndNothingWasWrong() throws Exception {
        assertThat(machine().machine().run("dmesg | grep -A3 -E 'WARNING:|DMAR: .*[Ff]ault'", TestGuest.SOON).lines())
                .as("what the kernel complains of").containsExactly("SLUICE exit 1");
        machine().powerOff();
        JsonObject report = JsonParser.parseString(Objects.requireNonNull(codec, "it is served").end())
                .getAsJsonObject();
        System.out.println(report);
        assertThat(report.get("pictures").getAsLong()).as("coded pictures").isGreaterThanOrEqualTo(FRAMES);
        assertThat(report.getAsJsonObject("sessions").get("present").getAsInt()).isZero();
        assertThat(report.getAsJsonObject("sessions").get("failed").getAsInt()).isZero();
        // USERPTR buffers of v4l2-compliance do not begin at a page: whole pictures of its size, and none of ffmpeg's.
        assertThat(report.getAsJsonObject("copiedBytes").get("pictures").getAsLong() % COMPLIANCE_PICTURE).as("copied")
                .isZero();
        // v4l2-compliance queues what it has written with V4L2_BUF_FLAG_NO_CACHE_CLEAN, to see whether the flag comes back.
        assertThat(report.getAsJsonArray("findings")).allSatisfy(
                finding -> assertThat(finding.getAsJsonObject().get("rule").getAsString())
                        .isEqualTo("MISSING_SYNC_FOR_DEVICE"));
    }
}
