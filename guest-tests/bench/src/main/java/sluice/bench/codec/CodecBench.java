package sluice.bench.codec;

import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.vdev.cli.Main;
import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Engines;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.qemu.CacheFolder;

/** {@code sluice bench codec}: decoding 1080p H.264 through the device, beside libavcodec with its own pool, in turns. */
@Command(name = "sluice bench codec", mixinStandardHelpOptions = true, description = "Decode 1080p H.264 through the codec device and by libavcodec with its own pool, in one process, in turns.", footer = {
        "", "Absolute figures depend on the machine and its load; the ratios are what counts." })
public final class CodecBench implements Callable<Integer> {
    private static final int WARM_UPS = 8;
    private static final int MOST_SESSIONS = 8;
    private static final int ARENA_MIB = 512;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--json", paramLabel = "FILE", description = "Write everything that was measured as JSON.")
    private @Nullable Path json;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds of one session, and of four (default ${DEFAULT-VALUE}).")
    private int rounds = 5;

    @Option(names = "--sessions", paramLabel = "N", defaultValue = "4", description = "Sessions at once, besides one: 2 to 8, or 1 for one only (default ${DEFAULT-VALUE}).")
    private int sessions = 4;

    public static void main(String[] arguments) {
        System.exit(Main.run(new CommandLine(new CodecBench()), arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException, CodecException, WrongOptionException {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        if (rounds < 1) throw new ParameterException(present.commandLine(), "--rounds must be 1 or more");
        if (sessions < 1 || sessions > MOST_SESSIONS)
            throw new ParameterException(present.commandLine(),
                    "--sessions must be 1 to %d: the buffers of more do not fit into the device's memory"
                            .formatted(MOST_SESSIONS));
        PrintWriter out = present.commandLine().getOut();
        CodecEngine engine = Engines.decoding(Coding.H264).orElseThrow(() -> new IOException(
                "no codec library is on the class path: start with ./sluice bench codec, which builds module vdev/codec"));
        try (Arena memory = Arena.ofShared(); MediaGuest guest = new MediaGuest(ARENA_MIB)) {
            say(out, "the clip: %d pictures of 1080p H.264, %d times in a row (made at the first run, a minute)"
                    .formatted(
                            Clip.FRAMES, Clip.PASSES));
            Clip clip = Clip.load(1920, 1080, CacheFolder.ofUser(), memory);
            Clip small = Clip.load(320, 192, CacheFolder.ofUser(), memory);
            warmUp(engine, guest, small, out);
            run(new LibraryAlone(engine, clip), guest, clip, out);
        }
        return 0;
    }

    /** Runs the same code with little work for the library, until the JIT has compiled what a long-running device uses. */
    private static void warmUp(CodecEngine engine, MediaGuest guest, Clip small, PrintWriter out)
            throws IOException, InterruptedException {
        say(out, "warming up");
        DeviceDecodes device = new DeviceDecodes(guest, small);
        LibraryAlone library = new LibraryAlone(engine, small);
        for (int i = 0; i < WARM_UPS; i++) {
            library.decode(1);
            device.decode(i % 2 == 0 ? 1 : 2);
        }
    }

    private void run(LibraryAlone library, MediaGuest guest, Clip clip, PrintWriter out)
            throws IOException, InterruptedException, CodecException {
        String before = CodecReport.load();
        DeviceDecodes device = new DeviceDecodes(guest, clip);
        library.decode(1);
        device.decode(1);
        guest.forgetAnswers();
        List<Rounds> all = new ArrayList<>();
        for (int atOnce : sessions == 1 ? new int[]{ 1 } : new int[]{ 1, sessions }) {
            Rounds measured = new Rounds(atOnce, clip.units().size());
            all.add(measured);
            for (int round = 0; round < rounds; round++) {
                say(out, "%d at once, round %d of %d".formatted(atOnce, round + 1, rounds));
                // Who comes first changes, so that a disturbance that grows or ends is no advantage.
                Subject.Round first = (round % 2 == 0 ? library : device).measure(atOnce);
                Subject.Round second = (round % 2 == 0 ? device : library).measure(atOnce);
                measured.add(round % 2 == 0 ? second : first, round % 2 == 0 ? first : second);
            }
        }
        double p50 = guest.answeredMicros(50);
        double p99 = guest.answeredMicros(99);
        JsonObject statistics = JsonParser.parseString(guest.end()).getAsJsonObject();
        CodecReport report = new CodecReport(library.engine().name(), all, statistics, p50, p99, before,
                CodecReport.load());
        out.println(report.text());
        out.flush();
        if (json != null) {
            Files.writeString(json, new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create()
                    .toJson(report.toJson()) + "\n");
        }
    }

    private static void say(PrintWriter out, String what) {
        out.println(what);
        out.flush();
    }
}
