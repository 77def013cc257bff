package sluice.guest.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.vdev.cli.Main;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** The command: reads the options, runs {@link DemoRun}, prints and keeps the report. */
@Command(name = "sluice demo", mixinStandardHelpOptions = true, description = "Boot a stock QEMU whose GPU is a Sluice process, let the guest draw or play a clip, and judge the picture pixel by pixel.", footer = {
        "",
        "DIR gets screen.png (what the GPU process holds), qemu-screen.png (what QEMU shows), report.json and summary.txt." })
public final class Demo implements Callable<Integer> {
    private static final String LAUNCHER = "sluice.launcher";
    private static final String PROFILE = "profile";

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "sluice-out", description = "Where the results go (default: ./${DEFAULT-VALUE}).")
    private Path out = Path.of("sluice-out");

    @Option(names = "--mode", paramLabel = "NAME", defaultValue = "2d", description = "2d (default): the GPU copies what the guest transfers. blob: it shows the guest's own pages, and nothing is copied; needs QEMU 10.1 or later, and there is no qemu-screen.png. video: ffmpeg in the guest decodes a clip through the codec device, and the GPU shows it; each frame must be libavcodec's. Needs the same, and the codec library, which ./sluice builds (27 MB, LGPL).")
    private String mode = "2d";

    @Option(names = "--qemu", paramLabel = "PATH", description = "The QEMU to use (default: $SLUICE_QEMU, or qemu-system-x86_64 in PATH).")
    private @Nullable Path qemu;

    @Option(names = "--profile", paramLabel = "DIR", arity = "0..1", fallbackValue = "", description = "Profile the GPU, and the codec with --mode=video: a report and a trace in DIR (default: profile in the folder of --out).")
    private @Nullable String profile;

    @Option(names = "--json", description = "Print the report as JSON, and the progress on standard error.")
    private boolean json;

    @Option(names = "--frames", hidden = true, defaultValue = "120")
    private int frames = 120;

    /** Another vhost-user GPU, for comparison; it supports neither --stats nor snapshots. */
    @Option(names = "--gpu-command", hidden = true, paramLabel = "COMMAND")
    private @Nullable String gpuCommand;

    /** Runs the demo and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs the demo and returns its exit code: 0 success, 1 failure or a wrong picture, 2 wrong usage. */
    static int run(String... arguments) {
        return Main.run(new CommandLine(new Demo()), arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandLine line = commandLine();
        DemoMode kind = DemoMode.named(mode);
        if (kind == null) throw new ParameterException(line, "--mode=" + mode + ": give 2d, blob or video");
        if (kind != DemoMode.COPIES && gpuCommand != null)
            throw new ParameterException(line, "--mode=" + mode + ": only with our own GPU");
        if (kind == DemoMode.VIDEO && frames > VideoRun.MOST_FRAMES)
            throw new ParameterException(line, "--frames=%d: a clip has 1 to %d".formatted(frames,
                    VideoRun.MOST_FRAMES));
        if (profile != null && gpuCommand != null)
            throw new ParameterException(line, "--profile: only with our own GPU");
        if (frames < 1 || frames > 50_000) {
            throw new ParameterException(line, "--frames=" + frames + ": give a number from 1 to 50000");
        }
        PrintWriter results = line.getOut();
        DemoResult report;
        try (Progress progress = new Progress(json ? line.getErr() : results)) {
            progress.step("finding QEMU");
            QemuBinary binary = kind.qemu(qemu, CacheFolder.ofUser());
            Files.createDirectories(out);
            report = kind == DemoMode.VIDEO
                    ? new VideoRun(binary, launcher(), frames, out, profiled(), progress).run()
                    : new DemoRun(binary, kind, gpu(), frames, out, progress).run();
        }
        String text = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(report.toJson());
        Files.writeString(out.resolve(DemoResult.FILE), text + "\n");
        String summary = report.summary(out);
        Files.writeString(out.resolve(DemoResult.SUMMARY), summary.strip() + "\n");
        results.println(json ? text : summary);
        results.flush();
        if (report.verdict().isEmpty()) return 0;
        line.getErr().println("sluice: " + report.verdict());
        return 1;
    }

    private DemoGpu gpu() throws IOException {
        String command = gpuCommand;
        if (command != null) return new DemoGpu(List.of(command.strip().split("\\s+")), false, null);
        ProfileFolder to = profiled();
        if (to == null) return new DemoGpu(List.of(launcher(), "gpu"), true, null);
        return new DemoGpu(List.of(launcher(), "gpu", "--profile=" + to.folder()), true, to);
    }

    /** Where the profile goes; null for none. */
    private @Nullable ProfileFolder profiled() {
        String folder = profile;
        if (folder == null) return null;
        return new ProfileFolder((folder.isEmpty() ? out.resolve(PROFILE) : Path.of(folder)).toAbsolutePath());
    }

    private static String launcher() throws IOException {
        String launcher = System.getProperty(LAUNCHER);
        if (launcher == null) {
            throw new IOException("the system property " + LAUNCHER + " is not set: start the demo with ./sluice demo");
        }
        return launcher;
    }

    private CommandLine commandLine() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present.commandLine();
    }
}
