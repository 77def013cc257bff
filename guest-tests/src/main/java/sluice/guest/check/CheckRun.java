package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.guest.GuestImage;
import sluice.guest.Machine;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** Runs cells, those of one machine in one boot. */
final class CheckRun {
    /** Time limit of a cell: a stock driver's buffers arrive within milliseconds. */
    static final Duration CELL = Duration.ofSeconds(60);

    /** How long the mappings of a cell may take to end after its programs: the devices answer when the host has time for them. */
    private static final Duration SETTLED = Duration.ofSeconds(10);

    private final List<String> launcher;
    private final QemuBinary qemu;
    private final GuestImage image;
    private final Card card;
    private final CacheFolder cache;
    private final Judge judge;
    private final KernelNeeds needs;
    private Additions additions = Additions.NONE;
    private Duration cellLimit = CELL;
    private @Nullable Path profiles;
    private final List<String> unwritten = new ArrayList<>();
    /** Machines that were booted, of each setup. */
    private final Map<Setup, Integer> boots = new HashMap<>();

    /**
     * @param launcher the command {@code sluice}
     * @throws IOException the configuration of the image's kernel cannot be read
     */
    CheckRun(List<String> launcher, QemuBinary qemu, GuestImage image, Card card, CacheFolder cache, Judge judge)
            throws IOException {
        this.launcher = launcher;
        this.qemu = qemu;
        this.image = image;
        this.card = card;
        this.cache = cache;
        this.judge = judge;
        needs = KernelNeeds.of(image.kernel());
    }

    /** Sets how long a cell may take; 60 s if not called. One that takes longer fails, and its machine ends. */
    CheckRun cellLimit(Duration limit) {
        cellLimit = limit;
        return this;
    }

    /** Profiles the devices of each machine into a folder of its own below this one. */
    CheckRun profiled(Path folder) {
        profiles = folder;
        return this;
    }

    /** Why profiles, or parts of them, are missing, a sentence each. */
    List<String> unwritten() {
        return unwritten;
    }

    /** Where a machine's profile goes: the setup's name, with a number if a cell has ended a machine of that setup before. */
    private @Nullable Path profile(Setup setup) throws IOException {
        Path all = profiles;
        if (all == null) return null;
        Files.createDirectories(all);
        int boot = boots.merge(setup, 1, Integer::sum);
        return all.resolve(boot == 1 ? setup.label() : setup.label() + "-" + boot);
    }

    /** Sets the user's additions to the image. */
    CheckRun with(Additions added) {
        additions = added;
        return this;
    }

    /**
     * Runs all cells, ordered by machine.
     *
     * @param each receives each cell's result when it ends
     */
    CheckResult run(List<Cell> cells, Consumer<CellResult> each) throws InterruptedException {
        long began = System.nanoTime();
        Map<Setup, List<Cell>> bySetup = new LinkedHashMap<>();
        for (Cell cell : cells) bySetup.computeIfAbsent(cell.setup(), _ -> new ArrayList<>()).add(cell);
        List<CellResult> results = new ArrayList<>();
        Consumer<CellResult> kept = result -> {
            results.add(result);
            each.accept(result);
        };
        for (Map.Entry<Setup, List<Cell>> machine : bySetup.entrySet()) {
            runIn(machine.getKey(), machine.getValue(), kept);
        }
        return new CheckResult(card, image.kernel().release(), qemu.version(), results,
                Duration.ofNanos(System.nanoTime() - began), additions.calls());
    }

    /** If a cell ends its machine, the next cells need another boot. */
    private void runIn(Setup setup, List<Cell> cells, Consumer<CellResult> each) throws InterruptedException {
        boolean blobs = cells.stream()
                .anyMatch(cell -> cell.memory() == Memory.BLOB && Matrix.obstacle(cell, card).isEmpty());
        int next = 0;
        while (next < cells.size()) {
            if (isSkipped(cells.get(next), each)) {
                next++;
                continue;
            }
            int first = next;
            try (CheckMachine machine = CheckMachine.boot(launcher, qemu, image, card, setup, blobs, additions,
                    profile(setup), cache)) {
                Seen seen = Seen.of(machine.reports());
                InjectedFaults atBoot = seen.injected();
                machine.traced();
                boolean alive = true;
                while (alive && next < cells.size()) {
                    Cell cell = cells.get(next);
                    next++;
                    if (isSkipped(cell, each)) continue;
                    long began = System.nanoTime();
                    int before = machine.console().size();
                    CellResult result;
                    try {
                        ShownFrames shown = new ShownFrames(machine::picture, cell.memory() == Memory.UDMABUF_TWICE);
                        Machine.Done done = machine.run(command(cell), cellLimit, shown);
                        Seen now = whenUnmapped(machine, seen);
                        Bytes bytes = card.role() == Role.SCANOUT ? shown.bytes() : Bytes.among(done.lines());
                        TracePort.Traced traced = machine.traced();
                        result = judged(cell, done, bytes, now.since(seen), now.lost() + traced.lost(), began)
                                .with(now.momentsSince(seen), now.unknownSince(seen)).with(traced);
                        result = judge.explained(result)
                                .with(now.injected().since(seen.injected()), seen.injected().since(atBoot));
                        seen = now;
                    } catch (IOException e) {
                        alive = false;
                        List<String> console = machine.console();
                        result = judge.broken(cell, reason(e), console.subList(before, console.size()), began)
                                .with(machine.injected(e).since(seen.injected()), seen.injected().since(atBoot));
                    }
                    each.accept(result);
                }
                if (alive) machine.untold().ifPresent(unwritten::add);
            } catch (IOException e) {
                if (next > first) { // closing the machine failed after its cells were done
                    if (profiles != null) unwritten.add("a profile was not written: " + e.getMessage());
                    continue;
                }
                // It would not boot for the other cells either.
                for (Cell cell : cells.subList(next, cells.size())) {
                    if (!isSkipped(cell, each))
                        each.accept(judge.broken(cell, unbootable(e), List.of(), System.nanoTime()));
                }
                return;
            }
        }
    }

    /**
     * A driver may unmap what a program has left when its device has answered, which is after the program's end: between two looks the
     * guest runs, and so what its kernel still has to do.
     */
    private static Seen whenUnmapped(CheckMachine machine, Seen before) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + SETTLED.toNanos();
        Seen now = Seen.of(machine.reports());
        while (now.mappings > before.mappings && System.nanoTime() < deadline) {
            machine.run(":", SETTLED);
            now = Seen.of(machine.reports());
        }
        return now;
    }

    private boolean isSkipped(Cell cell, Consumer<CellResult> each) {
        Optional<String> obstacle = Matrix.obstacle(cell, card).or(() -> additions.calls().obstacle(cell))
                .or(() -> needs.obstacle(cell));
        obstacle.ifPresent(reason -> each.accept(judge.skipped(cell, reason)));
        return obstacle.isPresent();
    }

    /** Why a guest does not answer any more: the kernel's error, if any. */
    private static String reason(IOException failure) {
        String first = String.valueOf(failure.getMessage()).lines().findFirst().orElse("the guest does not answer");
        return failure instanceof Machine.BrokenKernelException ? CheckResult.KERNEL_SAYS + first : first;
    }

    private static String unbootable(IOException failure) {
        return switch (failure) {
            case Machine.BrokenKernelException _,CheckMachine.UnfitGuestException _ -> reason(failure);
            default -> "the machine does not boot: " + failure.getMessage();
        };
    }

    private CellResult judged(Cell cell, Machine.Done done, @Nullable Bytes bytes, List<Finding> found, long lost,
            long began) {
        return program(cell).map(program -> judge.judge(cell, program, done, found, lost, began))
                .orElseGet(() -> judge.judge(cell, done, bytes, found, lost, began));
    }

    private Optional<TestProgram> program(Cell cell) {
        return cell.program() == null ? Optional.empty() : Optional.ofNullable(additions.test());
    }

    private String command(Cell cell) {
        Optional<TestProgram> program = program(cell);
        if (program.isPresent()) {
            String name = program.get().name();
            GuestRoot root = additions.root();
            return program.get().command(root == null ? "/test/" + name : root.start(name));
        }
        // What the kernel says of a failure is not on the console.
        return "dmesg -c >/dev/null; { %s; } || { status=$?; dmesg | tail -n 6; (exit $status); }"
                .formatted(card.role().program(card, cell));
    }

    /**
     * A snapshot of the devices' counters.
     *
     * @param findings by all that tells one from another
     * @param lost calls that were not seen, or not kept
     * @param mappings that are live, of all devices that the witness knows
     * @param moments the latest events
     * @param injected faults
     */
    private record Seen(Map<String, Finding> findings, long lost, long mappings, List<Moment> moments,
            InjectedFaults injected) {
        static Seen of(CardServer.Reports reports) {
            Map<String, Finding> findings = new LinkedHashMap<>();
            for (Finding finding : Finding.of(reports.card())) {
                findings.merge(key(finding), finding,
                        (first, second) -> first.with(first.times() + second.times(), first.what()));
            }
            return new Seen(findings, Finding.unseen(reports.witness(), reports.card()),
                    reports.witness().get("mappings").getAsLong(), Moment.of(reports.witness()),
                    InjectedFaults.of(reports.card()));
        }

        private long last() {
            return moments.isEmpty() ? 0 : moments.getLast().order();
        }

        /** Events after an earlier snapshot, as far as they are known. */
        List<Moment> momentsSince(Seen before) {
            return moments.stream().filter(moment -> moment.order() > before.last()).toList();
        }

        /** The number of those that are not known any more. */
        long unknownSince(Seen before) {
            return last() - before.last() - momentsSince(before).size();
        }

        private static String key(Finding finding) {
            return "%s %s %s %s %s".formatted(finding.rule(), finding.device(), finding.buffer(), finding.what(),
                    finding.site());
        }

        /** The difference to an earlier snapshot. */
        List<Finding> since(Seen before) {
            List<Finding> fresh = new ArrayList<>();
            findings.forEach((key, finding) -> {
                Finding old = before.findings.get(key);
                long times = finding.times() - (old == null ? 0 : old.times());
                if (times > 0) fresh.add(finding.with(times, finding.what()));
            });
            long left = mappings - before.mappings;
            if (left > 0) {
                fresh.add(new Finding(Rule.D25_MAPPED_AT_DETACH.name(), true, "", "", 0, 0, left,
                        "%s left when the programs have ended: an unmap is missing"
                                .formatted(FindingText.counted(left, "mapping"))));
            }
            return fresh;
        }
    }
}
