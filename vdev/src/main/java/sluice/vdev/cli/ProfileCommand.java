package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import sluice.vdev.profile.Comparison;
import sluice.vdev.profile.CostModel;
import sluice.vdev.profile.Profile;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.profile.guest.GuestMatch;

/** {@code sluice profile}: where the time of each frame goes. */
@Command(name = "profile", mixinStandardHelpOptions = true, description = "Tell where the time of each frame goes: run a command that serves devices, read what one has left, or compare two.", footer = {
        "", "For example:",
        "  sluice profile --out DIR -- gpu --socket-path=/tmp/gpu.sock     serve, and write the profile at the end",
        "  sluice profile --out DIR                                        write it again, as after kill -9",
        "  sluice profile --out DIR --guest-trace FILE                     the same, with what the guest has told",
        "  sluice profile --compare BEFORE AFTER                           two profiles, stage by stage",
        "",
        "DIR gets report.html, trace.pftrace for ui.perfetto.dev, profile.jfr for JDK Mission Control, and flight.rec." })
final class ProfileCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", description = "Where the profile is, or will be.")
    private @Nullable Path out;

    @Option(names = "--compare", arity = "2", paramLabel = "DIR", description = "Compare two profiles: nanoseconds per frame of each stage, the ratio, and the spread within a run; what matters most first.")
    private List<Path> compare = List.of();

    @Option(names = "--costs", paramLabel = "NAME=NS,...", description = "Also tell what the run would cost on a machine with these figures, in nanoseconds: write-back and invalidate (per line of 64 bytes), barrier, map, copy (per KiB).")
    private @Nullable String costs;

    @Option(names = "--guest-trace", paramLabel = "FILE", description = "Also bring in what the guest's kernel tells of its GPU driver: the guest's file /sys/kernel/tracing/trace, with the events of virtio_gpu by the clock mono. DIR keeps a copy.")
    private @Nullable Path guestTrace;

    @Option(names = "--json", description = "Print the comparison as JSON.")
    private boolean json;

    @Parameters(paramLabel = "COMMAND", description = "After --: a command that serves devices, such as gpu or serve, with its options.")
    private List<String> command = List.of();

    @Override
    public Integer call() throws IOException {
        if (!compare.isEmpty()) {
            if (out != null || guestTrace != null || !command.isEmpty())
                throw usage("--compare takes two profiles, and neither --out nor --guest-trace nor a command");
            return compare(compare.getFirst(), compare.getLast());
        }
        if (json) throw usage("--json needs --compare");
        Path to = out;
        if (to == null) throw usage("give --out=DIR, or --compare with two profiles");
        return command.isEmpty() ? report(new ProfileFolder(to)) : run(to);
    }

    private int run(Path to) {
        if (costs != null) throw usage("--costs is for a profile that exists: give it with --out alone, afterwards");
        if (guestTrace != null)
            throw usage("--guest-trace is for a profile that exists: give it with --out alone, afterwards");
        List<String> arguments = new ArrayList<>(command);
        arguments.add("--profile=" + to);
        return Main.run(Main.commandLine(), arguments.toArray(String[]::new));
    }

    private int report(ProfileFolder folder) throws IOException {
        List<CostModel> machines = new ArrayList<>(CostModel.PRESETS);
        String own = costs;
        if (own != null) {
            try {
                machines.addFirst(CostModel.parse(own));
            } catch (IllegalArgumentException e) {
                throw usage(String.valueOf(e.getMessage()));
            }
        }
        Path trace = guestTrace;
        if (trace != null) folder.takeGuestTrace(trace);
        Profile profile = folder.write(machines);
        out().printf(Locale.ROOT, "%s%n%s%n", folder.report(), folder.trace());
        out().flush();
        if (profile.devices().isEmpty())
            commandSpec().commandLine().getErr()
                    .println("sluice: no device has done a request or shown a frame in " + folder.recording());
        GuestMatch guest = profile.guest();
        if (guest != null) {
            for (String problem : guest.problems()) commandSpec().commandLine().getErr().println("sluice: " + problem);
            for (String note : guest.notes()) commandSpec().commandLine().getErr().println("sluice: " + note);
        }
        return 0;
    }

    private int compare(Path before, Path after) throws IOException {
        List<Comparison.Line> lines = Comparison.of(new ProfileFolder(before).read(), new ProfileFolder(after).read());
        if (lines.isEmpty())
            throw new IOException("no device has shown frames in both " + before + " and " + after);
        if (json) out().println(new GsonBuilder().setPrettyPrinting().create().toJson(json(lines)));
        else out().print(Comparison.text(lines));
        out().flush();
        return 0;
    }

    private static JsonArray json(List<Comparison.Line> lines) {
        JsonArray all = new JsonArray();
        for (Comparison.Line line : lines) {
            JsonObject one = new JsonObject();
            one.addProperty("device", line.device());
            one.addProperty("stage", line.stage());
            one.addProperty("beforeNanos", line.before());
            one.addProperty("afterNanos", line.after());
            if (!Double.isInfinite(line.ratio())) one.addProperty("ratio", line.ratio());
            one.addProperty("spread", line.spread());
            one.addProperty("clear", line.isClear());
            all.add(one);
        }
        return all;
    }

    private PrintWriter out() {
        return commandSpec().commandLine().getOut();
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(commandSpec().commandLine(), sentence);
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }
}
