package sluice.guest.check;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.guest.GuestImage;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.vdev.cli.Main;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.QemuBinary;

/** The command: selects cells, runs them, reports. */
@Command(name = "sluice check", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Test a driver's buffer import paths: boot a stock kernel with an emulated card and the witness, use the driver from user space, and check the bytes that user space gets and each DMA call of the kernel." }, footer = {
                "",
                "Exit status: 0 pass, 1 fail, 2 wrong usage, 4 all skipped, 124 timeout, 255 the guest's kernel is broken." })
public final class Check implements Callable<Integer> {
    private static final String LAUNCHER = "sluice.launcher";
    private static final int TIMED_OUT = 124;
    private static final List<String> LIMITS = List.of("dma-mask", "max-segment-size", "max-segments", "boundary",
            "contiguous", "on-fault", "inject");

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--driver", paramLabel = "NAME", description = "The kernel's driver that is checked; --list names those with a card.")
    private @Nullable String driver;

    @Option(names = "--list", description = "List drivers, buffers, machines, and what each needs, and end.")
    private boolean list;

    @Option(names = "--kernel", paramLabel = "WHICH", defaultValue = "newest", description = "newest (the default) or current: the unpacked Debian kernels 7.x and 6.12.")
    private String kernel = "newest";

    @Option(names = "--kdir", paramLabel = "DIR", description = "Boot the kernel that was built in this folder instead: a kernel's tree, the folder of make O=, or an image with lib/modules.")
    private @Nullable Path kdir;

    @Option(names = "--device", paramLabel = "JAR[:NAME][,OPTION=VALUE...]", description = "Serve this device of a plug-in as the card; then --driver may be any, or be left out for a driver in user space.")
    private @Nullable String device;

    @Option(names = "--module", paramLabel = "FILE.ko", description = "Load this kernel module, built for the kernel, before the driver; may be repeated.")
    private List<Path> modules = List.of();

    @Option(names = "--test", paramLabel = "PROGRAM", description = "Run this program of this host, with its libraries, in the guest instead of ours: exit status 0 is pass, 4 skip, others fail.")
    private @Nullable Path test;

    @Option(names = "--root", paramLabel = "host|DIR", description = "Run --test's program on this distribution, over 9P; what it writes is lost. The default is a small root with busybox.")
    private @Nullable String root;

    @Option(names = "--against", paramLabel = "KERNEL", description = "Run the cells on another kernel too, newest, current or a folder as --kdir takes it, and print what differs; the exit status is 0 if nothing does.")
    private @Nullable String against;

    @Option(names = "--print", paramLabel = "WHAT", description = "Print something and end. config: what a kernel must have for these cells, for merge_config.sh. vng: how virtme-ng boots the kernel with the card of the first machine.")
    private @Nullable String print;

    @Option(names = "--import", paramLabel = "NAME", split = ",", description = "Whose buffers; --list names them (default: all).")
    private List<String> memories = List.of();

    @Option(names = "--use", paramLabel = "NAME", split = ",", description = "What user space does; --list names it (default: sync and no-sync, and some mistakes if nothing is chosen).")
    private List<String> uses = List.of();

    @Option(names = "--iommu", paramLabel = "NAME", split = ",", description = "The VM's: none, intel-lazy, intel-strict, virtio (default: none).")
    private List<String> iommus = List.of();

    @Option(names = "--bounce", paramLabel = "NAME", split = ",", description = "off, or force, which is swiotlb=force (default: both, the latter with a card that snoops).")
    private List<String> bounces = List.of();

    @Option(names = "--coherency", paramLabel = "NAME", split = ",", description = "Of the card: coherent, non-coherent (default: both).")
    private List<String> coherencies = List.of();

    @Option(names = "--witness", paramLabel = "NAME", defaultValue = "module", description = "How the kernel's calls are told: module (the default), or trace, for a kernel that loads none: by its tracing, later and in part, for the report only.")
    private String witness = "module";

    @Option(names = "--card-option", paramLabel = "OPTION[=VALUE]", description = "Limit the card, or inject a fault into it, as ./sluice serve does: dma-mask, max-segment-size, max-segments, boundary, contiguous, on-fault, inject; may be repeated.")
    private List<String> cardOptions = List.of();

    @Option(names = "--timeout", paramLabel = "SECONDS", defaultValue = "900", description = "For the whole run, 1 to 86400 (default: ${DEFAULT-VALUE}).")
    private int timeout = 900;

    @Option(names = "--cell-timeout", paramLabel = "SECONDS", defaultValue = "60", description = "For a cell, 1 to 86400 (default: ${DEFAULT-VALUE}).")
    private int cellTimeout = 60;

    @Option(names = "--format", paramLabel = "NAME", defaultValue = "ktap", description = "What is printed: ktap while it runs (the default), junit or json at the end.")
    private String format = "ktap";

    @Option(names = "--report", paramLabel = "DIR", description = "Leave report.html, report.json and junit.xml in this folder.")
    private @Nullable Path report;

    @Option(names = "--profile", paramLabel = "DIR", arity = "0..1", fallbackValue = "", description = "Profile the devices of each machine: report, trace for ui.perfetto.dev and JFR in a folder of its own below DIR (default: profile in the folder of --report).")
    private @Nullable String profile;

    /** Runs a check and ends the JVM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    static int run(String... arguments) {
        return Main.run(line(), arguments);
    }

    static CommandLine line() {
        CommandLine line = new CommandLine(new Check());
        Main.sayInOneSentence(line);
        return line;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandLine line = commandLine();
        if (list) {
            CheckList.print(line.getOut());
            return 0;
        }
        if (timeout < 1 || timeout > 86_400)
            throw new ParameterException(line, "--timeout=" + timeout + ": give 1 to 86400 seconds");
        if (cellTimeout < 1 || cellTimeout > 86_400)
            throw new ParameterException(line, "--cell-timeout=" + cellTimeout + ": give 1 to 86400 seconds");
        if (kdir != null && !Files.isDirectory(kdir))
            throw new ParameterException(line, "--kdir=" + kdir + ": no such folder");
        TestProgram program = test == null ? null : TestProgram.of(test);
        Card card = limited(line, card(line));
        CallSource calls = chosen(line, "--witness", List.of(witness), CallSource.values(), CallSource::label)
                .getFirst();
        List<Cell> cells = program == null ? cells(line, card) : Matrix.of(setups(line), program);
        if (calls == CallSource.TRACE) {
            if (coherencies.contains("non-coherent"))
                throw new ParameterException(line,
                        "--coherency=non-coherent needs --witness=module: " + CallSource.TRACE.obstacle(
                                new Cell(Matrix.NON_COHERENT, Memory.MMAP, Use.SYNC)).orElseThrow());
            if ("vng".equals(print))
                throw new ParameterException(line,
                        "--print=vng needs --witness=module: virtme-ng boots a system of its own");
            cells = cells.stream().filter(cell -> calls.serves(cell.setup())).toList();
        }
        if (print != null) return print(line, print, card, cells);
        ReportFormat written = written(line);
        Path folder = report;
        Path profiles = profiles(line);
        if (folder != null) Files.createDirectories(folder);
        Thread ender = Thread.ofPlatform().daemon().name("timeout").unstarted(() -> end(line.getErr()));
        ender.start();
        CacheFolder cache = CacheFolder.ofUser();
        if (root != null && program == null)
            throw new ParameterException(line, "--root needs --test: our own programs bring what they need");
        Additions additions = new Additions(modules, program, root == null ? null : GuestRoot.of(root), calls,
                profiles != null);
        GuestKernel guest = kernel(line, cache);
        String versus = against;
        if (versus == null) {
            CheckResult result = run(line, card, guest, cells, additions, profiles, cache);
            if (written != null) written.write(result, line.getOut());
            if (folder != null) leave(result, folder);
            return result.exitStatus();
        }
        if (written != null) throw new ParameterException(line, "--against prints ktap, not " + format);
        GuestKernel otherGuest = other(versus, cache);
        Comparison comparison = new Comparison(
                run(line, card, guest, cells, additions, below(profiles, 0), cache),
                run(line, card, otherGuest, cells, additions, below(profiles, 1), cache));
        for (String sentence : comparison.lines()) line.getOut().println("# against: " + Legible.line(sentence));
        line.getOut().flush();
        if (folder != null) leave(comparison, folder);
        return comparison.exitStatus();
    }

    private CheckResult run(CommandLine line, Card card, GuestKernel guest, List<Cell> cells, Additions additions,
            @Nullable Path profiles, CacheFolder cache) throws IOException, InterruptedException {
        KernelNeeds needs = KernelNeeds.of(guest);
        needs.require(card.driver());
        if (additions.calls() == CallSource.TRACE) needs.requireTracing();
        for (String note : needs.notes(cells, additions.calls())) line.getErr().println("sluice: " + note);
        QemuBinary qemu = InstalledQemu.withVfioUser(cache);
        GuestImage image = CheckMachine.image(card, guest, additions, cache);
        KtapWriter ktap = new KtapWriter(format.equals("ktap") ? line.getOut() : line.getErr());
        ktap.begin(card, guest.release(), qemu.version(), cells, additions.calls());
        CheckRun run = new CheckRun(launcher(), qemu, image, card, cache, new Judge(KnownFaults.shipped().of(card)))
                .with(additions).cellLimit(Duration.ofSeconds(cellTimeout));
        if (profiles != null) run.profiled(profiles);
        CheckResult result = run.run(cells, cell -> told(ktap, cell));
        ktap.end();
        for (String why : run.unwritten()) line.getErr().println("sluice: " + why);
        return result;
    }

    private static void told(KtapWriter ktap, CellResult cell) {
        try {
            ktap.cell(cell);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where profiles go; null for none. */
    private @Nullable Path profiles(CommandLine line) {
        String given = profile;
        if (given == null) return null;
        if (!given.isEmpty()) return Path.of(given).toAbsolutePath();
        Path folder = report;
        if (folder == null) throw new ParameterException(line, "--profile needs a folder, or --report=DIR");
        return folder.resolve("profile").toAbsolutePath();
    }

    /** Those of one of two kernels. */
    private static @Nullable Path below(@Nullable Path profiles, int which) {
        return profiles == null ? null : profiles.resolve(ComparisonReport.FOLDERS.get(which));
    }

    /** The format written at the end, or null for the one written during the run. */
    private @Nullable ReportFormat written(CommandLine line) {
        return switch (format) {
            case "ktap" -> null;
            case "junit" -> new JunitReport();
            case "json" -> new JsonReport();
            default -> throw new ParameterException(line, "--format=" + format + ": give ktap, junit or json");
        };
    }

    private static void leave(CheckResult result, Path folder) throws IOException {
        Map<String, ReportFormat> files = Map.of(HtmlReport.FILE,
                new HtmlReport(ZonedDateTime.now(ZoneId.systemDefault())), "report.json",
                new JsonReport(), "junit.xml", new JunitReport());
        for (Map.Entry<String, ReportFormat> file : files.entrySet()) {
            try (Writer out = Files.newBufferedWriter(folder.resolve(file.getKey()))) {
                file.getValue().write(result, out);
            }
        }
    }

    private static void leave(Comparison comparison, Path folder) throws IOException {
        List<CheckResult> results = List.of(comparison.first(), comparison.other());
        for (int i = 0; i < results.size(); i++)
            leave(results.get(i), Files.createDirectories(folder.resolve(ComparisonReport.FOLDERS.get(i))));
        try (Writer out = Files.newBufferedWriter(folder.resolve(ComparisonReport.FILE))) {
            new ComparisonReport(comparison).write(out);
        }
    }

    /** Exits the JVM on timeout, with its guests and processes. */
    private void end(PrintWriter errors) {
        try {
            TimeUnit.SECONDS.sleep(timeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        errors.println("sluice: not done after %d seconds: --timeout gives more".formatted(timeout));
        errors.flush();
        System.exit(TIMED_OUT);
    }

    private Card card(CommandLine line) throws IOException {
        if (device != null) {
            if (test == null)
                throw new ParameterException(line, "--device needs --test: only its own program knows what is right");
            return PluginCard.of(device, driver == null ? "" : driver, modules);
        }
        String wanted = driver;
        if (wanted == null) throw new ParameterException(line, "--driver is missing: " + names());
        Optional<Card> card = Card.ALL.stream()
                .filter(one -> one.driver().equals(wanted.replace('-', '_').toLowerCase(Locale.ROOT))).findFirst();
        return card.orElseThrow(
                () -> new ParameterException(line, "--driver=%s: no emulated card has this driver; %s".formatted(
                        wanted, names())));
    }

    /** The card with the options that a user may give here: the others are those of the cells. */
    private Card limited(CommandLine line, Card card) throws IOException {
        for (String option : cardOptions) {
            if (!LIMITS.contains(option.split("=", 2)[0]))
                throw new ParameterException(line,
                        "--card-option=%s: give one of %s".formatted(option, String.join(", ", LIMITS)));
        }
        Card limited = card.with(cardOptions);
        try {
            limited.requireOptions();
        } catch (WrongOptionException e) {
            throw new ParameterException(line, "--card-option: " + e.getMessage());
        }
        return limited;
    }

    private static String names() {
        return "give one of " + Card.ALL.stream().map(Card::driver).collect(Collectors.joining(", "));
    }

    private List<Cell> cells(CommandLine line, Card card) {
        if (memories.isEmpty() && uses.isEmpty() && iommus.isEmpty() && bounces.isEmpty() && coherencies.isEmpty())
            return Matrix.usual(card);
        List<Memory> wanted = chosen(line, "--import", memories, Memory.values(), Memory::label);
        List<Use> how = uses.isEmpty()
                ? List.of(Use.SYNC, Use.NO_SYNC)
                : chosen(line, "--use", uses, Use.values(), Use::label);
        List<Cell> cells = Matrix.of(setups(line), wanted, how);
        if (cells.isEmpty())
            throw new ParameterException(line, "--import=%s cannot be used as --use=%s says: see --list".formatted(
                    String.join(",", memories), String.join(",", uses)));
        return cells;
    }

    private List<Setup> setups(CommandLine line) {
        if (iommus.isEmpty() && bounces.isEmpty() && coherencies.isEmpty()) return Matrix.USUAL;
        List<Setup> setups = new ArrayList<>();
        List<GuestIommu> wanted = iommus.isEmpty()
                ? List.of(GuestIommu.NONE)
                : chosen(line, "--iommu", iommus, GuestIommu.values(), GuestIommu::label);
        for (GuestIommu iommu : wanted) {
            for (boolean bounced : flags(line, "--bounce", bounces, "off", "force")) {
                for (boolean not : flags(line, "--coherency", coherencies, "coherent", "non-coherent"))
                    setups.add(new Setup(iommu, bounced, !not));
            }
        }
        return setups;
    }

    /** Whether each selected name is the second one; only the first if none is selected. */
    private static List<Boolean> flags(CommandLine line, String option, List<String> names, String first,
            String second) {
        if (names.isEmpty()) return List.of(false);
        List<Boolean> flags = new ArrayList<>();
        for (String name : names) {
            if (!name.equals(first) && !name.equals(second))
                throw new ParameterException(line, "%s=%s: give %s or %s".formatted(option, name, first, second));
            flags.add(name.equals(second));
        }
        return flags;
    }

    private static <T> List<T> chosen(CommandLine line, String option, List<String> names, T[] all,
            Function<T, String> label) {
        if (names.isEmpty()) return List.of(all);
        List<T> chosen = new ArrayList<>();
        for (String name : names) {
            chosen.add(Arrays.stream(all).filter(one -> label.apply(one).equals(name)).findFirst()
                    .orElseThrow(() -> new ParameterException(line, "%s=%s: give %s".formatted(option, name,
                            Arrays.stream(all).map(label).collect(Collectors.joining(", "))))));
        }
        return chosen;
    }

    private int print(CommandLine line, String what, Card card, List<Cell> cells)
            throws IOException, InterruptedException {
        switch (what) {
            case "config" -> line.getOut().print(KernelNeeds.fragment(card.driver(), cells));
            case "vng" -> {
                CacheFolder cache = CacheFolder.ofUser();
                VngLine.print(line.getOut(), card, cells.getFirst().setup(),
                        kdir == null ? kernel(line, cache).image() : kdir, InstalledQemu.withVfioUser(cache).path());
            }
            default -> throw new ParameterException(line, "--print=" + what + ": give config or vng");
        }
        line.getOut().flush();
        return 0;
    }

    private static GuestKernel other(String which, CacheFolder cache) throws IOException {
        return which.equals("newest") || which.equals("current")
                ? GuestKernel.named(which, cache)
                : GuestKernel.built(Path.of(which));
    }

    private GuestKernel kernel(CommandLine line, CacheFolder cache) throws IOException {
        if (kdir != null) return GuestKernel.built(kdir);
        if (!kernel.equals("newest") && !kernel.equals("current"))
            throw new ParameterException(line, "--kernel=" + kernel + ": give newest or current");
        return GuestKernel.named(kernel, cache);
    }

    private static List<String> launcher() throws IOException {
        String launcher = System.getProperty(LAUNCHER);
        if (launcher == null)
            throw new IOException("the system property " + LAUNCHER + " is not set: start it with ./sluice check");
        return List.of(launcher);
    }

    private CommandLine commandLine() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present.commandLine();
    }
}
