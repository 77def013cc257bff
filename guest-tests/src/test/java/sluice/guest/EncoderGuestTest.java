package sluice.guest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Engines;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;
import sluice.vdev.fixture.Psnr;
import sluice.vdev.fixture.TransportStream;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The encoder card with a codec, and the driver that Linux has for the real one: a guest sets MPEG controls and captures a stream,
 * which is taken out of the guest, checked, and decoded. Needs the codec on the class path ({@code -Dsluice.codec}).
 * In order, since the driver keeps the controls that were set last.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "kernel {0}", allowZeroInvocations = true)
@MethodSource("kernels")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EncoderGuestTest {
    private static final Duration CAPTURE = Duration.ofSeconds(90);
    /** Of a decoding time stamp, per second. */
    private static final int STAMPS = 90_000;
    private static final int FRAMES_PER_SECOND = 25;
    /** Of the decoder at main level, in bits. */
    private static final double BUFFER = 1_835_008;

    @TempDir
    private static Path folder;
    private static @Nullable Machine machine;
    private static @Nullable DeviceProcess process;

    private final String kernel;

    EncoderGuestTest(String kernel) {
        this.kernel = kernel;
    }

    static List<String> kernels() {
        return Configurations.of(List.of(), List.of("newest", "current"));
    }

    private static Path received(String name) {
        return folder.resolve(name);
    }

    @BeforeParameterizedClassInvocation
    static void boot(String kernel) throws IOException, InterruptedException {
        QemuBinary binary = TestQemu.QEMU_11.binary();
        GuestImage image = GuestImage.of(GuestKernel.named(kernel, TestQemu.CACHE)).module("virtio_console")
                .module("saa6752hs").module("saa7134").module("saa7134-empress")
                .tree(TestQemu.CACHE.path().resolve("video/trixie")).build(TestQemu.CACHE);
        DeviceProcess serving = DeviceProcess.start(TestGpus.launcher(), List.of(),
                List.of(new DeviceProcess.Served("card", "vfg7350,pattern")));
        process = serving;
        List<String> ports = new ArrayList<>(List.of("-device", "virtio-serial-pci"));
        for (String name : List.of("first", "second")) {
            ports.addAll(List.of("-chardev", "file,id=%s,path=%s".formatted(name, received(name)), "-device",
                    "virtserialport,chardev=%s,name=%s".formatted(name, name)));
        }
        machine = Machine.of(binary, image).backEnd(serving).arguments(serving.qemuArguments()).arguments(ports)
                .boot(TestQemu.CACHE);
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        Machine booted = machine;
        machine = null;
        if (booted != null) booted.close();
        for (String name : List.of("first", "second")) Files.deleteIfExists(received(name));
    }

    private static void run(String command) throws IOException, InterruptedException {
        Machine booted = Objects.requireNonNull(machine);
        Machine.Done done = booted.run(command, CAPTURE);
        assertThat(done.status()).as("%s%n%s", command, String.join("\n", done.lines())).isZero();
    }

    /** Captures buffers of 64 packets over MMAP, and takes them out of the guest by a port. */
    private static TransportStream capture(String controls, String format, int buffers, String port)
            throws IOException, InterruptedException {
        run("""
                node=$(dirname $(grep -l empress /sys/class/video4linux/*/name)); node=/dev/${node##*/}; \
                /usr/bin/v4l2-ctl -d $node -v %s -c %s && \
                /usr/bin/v4l2-ctl -d $node --stream-mmap=8 --stream-count=%d --stream-to=/tmp/stream >/dev/null 2>&1 && \
                for p in /sys/class/virtio-ports/*; do [ $(cat $p/name) != %s ] || cat /tmp/stream > /dev/${p##*/}; done"""
                .formatted(format, controls, buffers, port));
        byte[] bytes = Files.readAllBytes(received(port));
        assertThat(bytes).as("buffers of 64 packets").hasSize(buffers * 64 * TransportStream.PACKET);
        return TransportStream.of(bytes);
    }

    /**
     * The PSNR of each picture, which its time stamp tells.
     *
     * @param delay seconds from the beginning of the stream to the first decoding: those that fill the decoder's buffer
     */
    private static List<Double> decode(List<TransportStream.Pes> units, double delay, int width, int height)
            throws Exception {
        int period = STAMPS / FRAMES_PER_SECOND;
        double first = delay * STAMPS + period;
        List<Double> psnr = new ArrayList<>();
        PictureSink sink = new PictureSink() {
            @Override
            public void format(PictureFormat format) {
                assertThat(format.width()).isEqualTo(width);
                assertThat(format.height()).isEqualTo(height);
            }

            @Override
            public void picture(Picture picture, long time, boolean key) {
                byte[] luma = new byte[width * height];
                new TestPattern().fill(Math.round((time - first) / period), width, height, luma);
                psnr.add(Psnr.of(luma, picture));
            }
        };
        try (Decoder decoder = Engines.decoding(Coding.MPEG2)
                .orElseThrow(() -> new AssertionError("no codec on the class path: -Dsluice.codec"))
                .decoder(Coding.MPEG2)) {
            for (TransportStream.Pes unit : units) {
                try (Arena arena = Arena.ofConfined()) {
                    decoder.decode(arena.allocateFrom(ValueLayout.JAVA_BYTE, unit.bytes()), unit.shown(), sink);
                }
            }
            decoder.drain(sink);
        }
        return psnr;
    }

    private static long bitsPerSecond(List<TransportStream.Pes> units) {
        return units.stream().mapToLong(unit -> unit.bytes().length * 8L).sum() * FRAMES_PER_SECOND / units.size();
    }

    /** Aspect ratio and frame rate as the first sequence header has them (ISO/IEC 13818-2 tables 6-3 and 6-4). */
    private static int sequenceInformation(List<TransportStream.Pes> units) {
        return units.getFirst().bytes()[7] & 0xff;
    }

    private static boolean isKey(TransportStream.Pes unit) {
        return unit.bytes()[3] == (byte) 0xb3;
    }

    /** A slow guest sets up the encoder longer than its driver waits for a first buffer, and loses that. */
    private static List<TransportStream.Pes> fromTheFirstGroup(List<TransportStream.Pes> units) {
        return units.stream().dropWhile(unit -> !isKey(unit)).toList();
    }

    /** Whether each unit with a sequence header, and no other, is where groups of 13 pictures begin. */
    private static void checkGroups(List<TransportStream.Pes> units) {
        for (int i = 0; i < units.size(); i++)
            assertThat(isKey(units.get(i))).as("unit %d begins a group", i).isEqualTo(i % 13 == 0);
    }

    private void report(String what, List<Double> psnr, long bits) {
        System.out.printf("kernel %s, %s: %d pictures, %d bits per second, PSNR mean %.1f dB, least %.1f dB%n", kernel,
                what,
                psnr.size(), bits, psnr.stream().mapToDouble(d -> d).average().orElseThrow(),
                psnr.stream().mapToDouble(d -> d).min().orElseThrow());
    }

    @Test
    @Order(1)
    void aConstantRateAndTheDriversPids() throws Exception {
        TransportStream stream = capture("video_bitrate_mode=1,video_bitrate=4000000,video_aspect=1",
                "width=352,height=288", 160, "first");
        // The driver's total: pictures, 256 kbit/s of sound, and 768 kbit/s.
        stream.checkClock(5_024_000);
        stream.checkBuffer(256, 5_024_000, 0.5);
        assertThat(stream.mapPid()).isEqualTo(16);
        assertThat(stream.clockPid()).isEqualTo(259);
        assertThat(stream.types().keySet()).containsExactly(256, 260);
        List<TransportStream.Pes> units = fromTheFirstGroup(stream.units(256));
        checkGroups(units);
        assertThat(sequenceInformation(units)).as("4:3, 25 pictures per second").isEqualTo(0x23);
        List<Double> psnr = decode(units, BUFFER / 4_000_000, 352, 288);
        report("constant rate", psnr, bitsPerSecond(units));
        assertThat(psnr).hasSizeGreaterThan(50).allMatch(decibels -> decibels > 30);
        assertThat(bitsPerSecond(units)).isBetween(3_400_000L, 4_200_000L);
    }

    @Test
    @Order(2)
    void aVariableRateOtherPidsAndAWidePicture() throws Exception {
        TransportStream stream = capture(
                """
                        video_bitrate_mode=0,video_bitrate=10000000,video_peak_bitrate=14000000,video_aspect=2,\
                        stream_pmt_program_id=48,stream_video_program_id=513,stream_audio_program_id=514,stream_pcr_program_id=515""",
                "width=720,height=576", 400, "second");
        stream.checkClock(15_024_000);
        stream.checkBuffer(513, 15_024_000, 0.5);
        assertThat(stream.mapPid()).isEqualTo(48);
        assertThat(stream.clockPid()).isEqualTo(515);
        assertThat(stream.types().keySet()).containsExactly(513, 514);
        List<TransportStream.Pes> units = fromTheFirstGroup(stream.units(513));
        checkGroups(units);
        assertThat(sequenceInformation(units)).as("16:9, 25 pictures per second").isEqualTo(0x33);
        List<Double> psnr = decode(units, BUFFER / 14_000_000, 720, 576);
        report("variable rate", psnr, bitsPerSecond(units));
        assertThat(psnr).hasSizeGreaterThan(25);
        assertThat(psnr.stream().mapToDouble(d -> d).average().orElseThrow()).isGreaterThan(30);
        assertThat(bitsPerSecond(units)).isBetween(7_500_000L, 12_500_000L);
        JsonObject encoder = Objects.requireNonNull(process).reports().getFirst().getAsJsonObject("encoder");
        assertThat(encoder.get("unknown").getAsLong()).as("messages that the encoder does not know").isZero();
        assertThat(encoder.get("failures").getAsLong()).isZero();
        assertThat(encoder.get("late").getAsLong()).isZero();
    }
}
