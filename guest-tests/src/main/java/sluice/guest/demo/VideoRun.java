package sluice.guest.demo;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.imageio.ImageIO;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

import sluice.guest.Accelerator;
import sluice.guest.DeviceProcess;
import sluice.guest.DriverTrace;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.HostFfmpeg;
import sluice.guest.Machine;
import sluice.guest.Picture;
import sluice.guest.QemuBus;
import sluice.guest.build.Folders;
import sluice.guest.build.KernelModule;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/**
 * The steps of the demo that plays a clip: Debian's ffmpeg in the guest decodes it through the codec device, and a program of ours shows
 * each frame on the GPU. Both devices are of one Sluice process. What is right, libavcodec of the same ffmpeg says on the host.
 */
final class VideoRun {
    /** Of a clip. */
    static final int MOST_FRAMES = 1000;
    private static final int WIDTH = 640;
    private static final int HEIGHT = 400;
    private static final int MEMORY_MIB = 1536;
    /** Starting ffmpeg with its 200 libraries takes most of it, where the processor is emulated. */
    private static final Duration PLAY = Duration.ofMinutes(4);
    private static final Duration SOON = Duration.ofSeconds(20);
    /** KiB of each processor: a guest under TCG prints about 100 KB a second. */
    private static final String TRACE_SIZE = "sluice.trace=1024";
    private static final Duration TRACE = Duration.ofSeconds(90);
    /** With a profile, which is written then. */
    private static final Duration END = Duration.ofSeconds(90);
    private static final String SCREEN = "screen.png";
    private static final Pattern SIZE = Pattern.compile("SLUICE mode (\\d+) (\\d+)");
    private static final String PLAYED = "SLUICE played \\d+ ms \\d+";
    private static final String COMMAND = """
            { /usr/bin/ffmpeg -hide_banner -nostdin -loglevel warning -c:v h264_v4l2m2m -i /clips/clip.mkv \
            -map 0:v -fps_mode passthrough -f framemd5 /tmp/frames \
            -map 0:v -fps_mode passthrough -f rawvideo - | play %d %d; } 3<&0 && cat /tmp/frames""".formatted(WIDTH,
            HEIGHT);

    private final QemuBinary binary;
    private final String launcher;
    private final int frames;
    private final Path out;
    private final @Nullable ProfileFolder profile;
    private final Progress progress;
    private final CacheFolder cache = CacheFolder.ofUser();
    private final HostFfmpeg ffmpeg = new HostFfmpeg(cache);

    /**
     * @param launcher the command {@code sluice}
     * @param frames of the clip, 1 to {@link #MOST_FRAMES}
     * @param out existing folder for the picture
     * @param profile where a profile of both devices goes, or null
     */
    VideoRun(QemuBinary binary, String launcher, int frames, Path out, @Nullable ProfileFolder profile,
            Progress progress) {
        this.binary = binary;
        this.launcher = launcher;
        this.frames = frames;
        this.out = out.toAbsolutePath().normalize();
        this.profile = profile;
        this.progress = progress;
    }

    /**
     * Runs it all.
     *
     * @throws IOException a step failed; the message names it and the reason. A wrong frame is a result, not a failure
     */
    VideoReport run() throws IOException, InterruptedException {
        progress.note("QEMU %s, %s".formatted(binary.version(), binary.path()));
        for (String old : new String[]{ SCREEN, DemoResult.FILE, DemoResult.SUMMARY }) {
            Files.deleteIfExists(out.resolve(old)); // so that old files are not mistaken for results
        }
        progress.step("making the clip");
        Path clip = ffmpeg.clip(List.of("-f", "lavfi", "-i", "testsrc2=size=%dx%d:rate=25".formatted(WIDTH, HEIGHT),
                "-frames:v", Integer.toString(frames), "-pix_fmt", "yuv420p", "-threads", "1", "-bf", "2", "-c:v",
                "libx264", "-g", "48"), ".mkv");
        List<String> expected = ffmpeg.frames(clip);
        progress.note("%d frames of H.264, %s".formatted(expected.size(), clip));
        progress.step("building the guest, with its driver and ffmpeg");
        GuestImage image = image(clip);
        progress.note("Linux %s, %s".formatted(image.kernel().release(), image.initrd()));
        progress.step("probing KVM");
        Accelerator accelerator = Accelerator.best(binary, image, cache);
        progress.note("guests run with " + accelerator);
        progress.step("starting a process with a GPU and a codec");
        try (DeviceProcess devices = DeviceProcess.start(List.of(launcher), List.of(), List.of(
                new DeviceProcess.Served("codec", "codec,transport=vfio-user,codings=h264"),
                new DeviceProcess.Served("gpu", "gpu,transport=vfio-user,blob", true, QemuBus.NONE)),
                profile == null ? null : profile.folder())) {
            VideoReport report = play(devices, image, accelerator, clip, expected);
            if (profile != null) devices.end(END);
            return report;
        }
    }

    private GuestImage image(Path clip) throws IOException, InterruptedException {
        GuestKernel kernel = GuestKernel.forQemu(binary, cache);
        KernelModule driver = KernelModule.build(kernel.headers(cache), "media", cache);
        Path root = Files.createTempDirectory("sluice-clip-");
        try {
            Files.copy(clip, Files.createDirectories(root.resolve("clips")).resolve("clip.mkv"));
            GuestImage.Builder made = GuestImage.of(kernel).module("virtio-gpu").module("virtio_pci")
                    .module("videobuf2-dma-sg").module("videobuf2-v4l2").module(driver, "").tree(root)
                    .tree(ffmpeg.root()).compiled("play.c");
            return (profile == null ? made : DriverTrace.addTo(made)).build(cache);
        } finally {
            Folders.delete(root);
        }
    }

    private VideoReport play(DeviceProcess devices, GuestImage image, Accelerator accelerator, Path clip,
            List<String> expected) throws IOException, InterruptedException {
        progress.step("booting the virtual machine");
        try (DriverTrace trace = profile == null ? null : DriverTrace.open();
                Machine machine = Machine.of(binary, image).memory(MEMORY_MIB)
                        .arguments(trace == null ? List.of() : trace.qemuArguments())
                        .kernel(trace == null ? "" : TRACE_SIZE).arguments(devices.qemuArguments()).boot(cache)) {
            progress.step("playing");
            Shown shown = new Shown();
            Machine.Done done = machine.run(COMMAND, PLAY, PLAYED, line -> {
                shown.picture = devices.picture();
                return "quit";
            });
            progress.step("judging frames and picture");
            Picture picture = shown.picture;
            if (done.status() != 0 || picture == null) throw failed(done);
            DemoReport.Judged judged = judged(picture, size(done), clip, expected);
            List<String> decoded = HostFfmpeg.framesIn(String.join("\n", done.lines()));
            List<JsonObject> reports = devices.reports();
            ProfileFolder folder = profile;
            if (trace != null && folder != null) {
                progress.step("reading the guest's trace");
                if (!trace.write(folder.guestTrace(), TRACE))
                    progress.note("the guest's trace is cut: it was not whole after %d s".formatted(TRACE.toSeconds()));
            }
            progress.step("shutting down");
            machine.qemu().qmp().execute("quit");
            machine.qemu().waitForEnd(SOON);
            return new VideoReport(binary, image.kernel().release(), accelerator.toString(), expected, decoded,
                    millis(done), judged, progress.elapsed(), progress.steps(), reports.get(1), reports.get(0));
        } catch (IOException failure) {
            String said = devices.errors();
            throw said.isEmpty()
                    ? failure
                    : new IOException(failure.getMessage() + "\nthe process with the devices said:\n" + said, failure);
        }
    }

    /** What the screen showed when the last frame was on it. */
    private static final class Shown {
        private @Nullable Picture picture;
    }

    private static IOException failed(Machine.Done done) {
        return new IOException("playing in the guest failed with status %d:\n%s".formatted(done.status(),
                String.join("\n", done.lines())));
    }

    private static Matcher size(Machine.Done done) throws IOException {
        for (String line : done.lines()) {
            Matcher size = SIZE.matcher(line);
            if (size.matches()) return size;
        }
        throw failed(done);
    }

    private static long millis(Machine.Done done) throws IOException {
        for (String line : done.lines()) {
            if (line.matches(PLAYED)) return Long.parseLong(line.substring(line.lastIndexOf(' ') + 1));
        }
        throw failed(done);
    }

    private DemoReport.Judged judged(Picture picture, Matcher size, Path clip, List<String> expected)
            throws IOException, InterruptedException {
        Picture right = VideoScreen.picture(ffmpeg.frame(clip, expected.size() - 1), WIDTH, HEIGHT,
                Integer.parseInt(size.group(1)), Integer.parseInt(size.group(2)));
        BufferedImage image = new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, picture.width(), picture.height(), picture.argb(), 0, picture.width());
        ImageIO.write(image, "png", out.resolve(SCREEN).toFile());
        DemoReport.Judged judged = new DemoReport.Judged(SCREEN, "what the GPU shows of the last frame",
                right.difference(picture));
        progress.note(judged.sentence());
        return judged;
    }
}
