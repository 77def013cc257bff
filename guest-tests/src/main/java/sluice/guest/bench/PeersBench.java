package sluice.guest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.guest.GpuProvider;
import sluice.guest.build.Folders;

/**
 * {@code sluice bench peers}: one C front-end drives Sluice and the C peer vhost-user-gpu. All processes run for the
 * whole time and take turns round by round, so that disturbances affect all of them.
 */
@Command(name = "peers", mixinStandardHelpOptions = true, description = "Compare the GPU with the C peer vhost-user-gpu, in one run.", footer = {
        "", "Absolute figures depend on the machine and its load; the ratios are what counts." })
final class PeersBench implements Callable<Integer> {
    static final String OURS = "sluice";
    private static final String BLOBS = "--blob";
    private static final String PROFILED = "--profile";
    private static final String OTHER = "other";
    private static final String PEER = "vhost-user-gpu";
    private static final String LAUNCHER = "sluice.launcher";

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private RoundOptions options = new RoundOptions(7, 400, 2000);

    @Option(names = "--poll-us", paramLabel = "N", defaultValue = "50", description = "Measure ours with this --poll-us as well, but for the frames; 0 to leave it out (default ${DEFAULT-VALUE}).")
    private int pollMicros = 50;

    @Option(names = "--profile", description = "Measure ours while it is profiled as well; its ratio is to ours without.")
    private boolean profile;

    /** Another build of ours. */
    @Option(names = "--other", hidden = true, paramLabel = "COMMAND")
    private @Nullable String other;

    @Option(names = "--only", paramLabel = "REGEX", defaultValue = ".*", description = "Only the workloads whose name in the JSON contains this.")
    private Pattern only = Pattern.compile(".*");

    /** Of profiles. */
    private final List<Path> folders = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check(commandSpec());
        if (pollMicros < 0) throw usage("--poll-us must be 0 or more");
        List<Workload> workloads = Arrays.stream(Workload.values()).filter(w -> only.matcher(w.wireName()).find())
                .toList();
        if (workloads.isEmpty()) throw usage("no workload's name contains " + only);
        PrintWriter out = commandSpec().commandLine().getOut();
        List<Subject> subjects = new ArrayList<>();
        try {
            choose(subjects, FrontEnd.compile(), out);
            run(subjects, workloads, out);
        } finally {
            for (Subject subject : subjects) subject.close();
            for (Path folder : folders) Folders.delete(folder);
        }
        return 0;
    }

    private void choose(List<Subject> subjects, Path program, PrintWriter out) throws IOException {
        String launcher = launcher("peers");
        subjects.add(new Subject(OURS, Subject.Kind.OURS, List.of(launcher, "gpu"), program));
        subjects.add(new Subject(BLOBS, Subject.Kind.BLOBS, List.of(launcher, "gpu", BLOBS), program));
        if (pollMicros > 0) {
            String polling = "--poll-us=" + pollMicros;
            subjects.add(new Subject(polling, Subject.Kind.OURS, List.of(launcher, "gpu", polling), program));
        }
        if (profile) {
            Path folder = Files.createTempDirectory("sluice-profile");
            folders.add(folder);
            subjects.add(
                    new Subject(PROFILED, Subject.Kind.OURS, List.of(launcher, "gpu", "--profile=" + folder), program));
        }
        if (other != null) subjects.add(new Subject(OTHER, Subject.Kind.OURS, List.of(other, "gpu"), program));
        String binary = peer(out);
        if (binary != null) subjects.add(new Subject(PEER, Subject.Kind.PEER, List.of(binary), program));
    }

    /**
     * The launcher that has started this.
     *
     * @param benchmark that needs it
     */
    static String launcher(String benchmark) throws IOException {
        String launcher = System.getProperty(LAUNCHER);
        if (launcher != null) return launcher;
        throw new IOException(
                "the system property %s is not set: start with ./sluice bench %s".formatted(LAUNCHER, benchmark));
    }

    private static @Nullable String peer(PrintWriter out) {
        try {
            return new GpuProvider.Peer(GpuProvider.PEER_MANIFEST).binary().toString();
        } catch (IOException absent) {
            out.println("ours alone is measured: " + absent.getMessage());
            return null;
        }
    }

    private void run(List<Subject> subjects, List<Workload> workloads, PrintWriter out)
            throws IOException, InterruptedException {
        String before = PeersReport.load();
        List<Workload> warm = workloads.stream().filter(workload -> !workload.isFresh()).toList();
        for (Workload workload : workloads) {
            if (!workload.isFresh()) continue;
            out.println("measuring in fresh processes: " + workload.label);
            out.flush();
            for (int round = 0; round < options.rounds(); round++)
                for (Subject subject : taking(workload, subjects)) subject.measureFresh(workload, options.millis());
        }
        for (Workload workload : warm)
            for (Subject subject : taking(workload, subjects)) subject.start(workload);
        for (Workload workload : warm) {
            for (Subject subject : taking(workload, subjects)) subject.warmUp(workload, options.warmUpMillis());
        }
        for (Workload workload : warm) {
            out.println("measuring " + workload.label);
            out.flush();
            for (int round = 0; round < options.rounds(); round++) {
                for (Subject subject : taking(workload, subjects)) subject.measure(workload, options.millis());
                subjects.getFirst().measureLimit(workload, options.millis());
            }
        }
        PeersReport report = new PeersReport(compare(subjects, workloads), subjects, before, PeersReport.load());
        out.println(report.text());
        out.flush();
        options.write(report.toJson());
    }

    private static List<Subject> taking(Workload workload, List<Subject> subjects) {
        return subjects.stream().filter(subject -> takes(workload, subject)).toList();
    }

    /**
     * Whether a workload applies. Polling is not what a fresh process is judged by; frames take so long that the time
     * of a wake-up, and so polling, does not matter.
     */
    private static boolean takes(Workload workload, Subject subject) {
        return switch (subject.kind()) {
            case PEER -> true;
            case BLOBS -> workload.isOfBlobs();
            case OURS -> !workload.isOfBlobs() && (subject.name().equals(OURS)
                    || (!workload.isFresh() && (!workload.isFrames() || isBesideOurs(subject))));
        };
    }

    /** Whether it is compared with ours and not with the peer. */
    private static boolean isBesideOurs(Subject subject) {
        return subject.name().equals(PROFILED) || subject.name().equals(OTHER);
    }

    private static List<Comparison> compare(List<Subject> subjects, List<Workload> workloads) {
        List<Comparison> comparisons = new ArrayList<>();
        Subject peer = subjects.stream().filter(s -> s.kind() == Subject.Kind.PEER).findFirst().orElse(null);
        for (Workload workload : workloads) {
            for (Subject ours : taking(workload, subjects)) {
                if (ours == peer) continue;
                boolean polls = ours.kind() == Subject.Kind.OURS && !ours.name().equals(OURS);
                Double bar = polls ? workload.polledBar() : workload.bar;
                comparisons.add(isBesideOurs(ours)
                        ? Comparison.of(ours, subjects.getFirst(), workload, null)
                        : Comparison.of(ours, peer, workload, bar));
            }
        }
        return comparisons;
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(commandSpec().commandLine(), sentence);
    }
}
