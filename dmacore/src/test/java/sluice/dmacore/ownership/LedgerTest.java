package sluice.dmacore.ownership;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.TraceSink;

import static org.assertj.core.api.Assertions.assertThat;

/** Buffers that share lines, against a set of lines for each. */
class LedgerTest {
    private static final int PAGE = 4096;
    private static final int PAGES = 24;
    private static final long SEED = 20261121;

    private final MemoryFiles files = new MemoryFiles(4);
    private final Ledger ledger = new Ledger();

    @AfterEach
    void nothingIsMapped() {
        files.awaitUnmapped();
    }

    /** A buffer, and each of its lines as (file, line). */
    private record View(Lines lines, List<String> places) {}

    private static Runs scattered(Random random, FileMapping[] mappings) {
        Runs runs = new Runs();
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++) {
            long from = random.nextInt(PAGES * PAGE / 32) * 32L;
            long length = Math.min(PAGES * PAGE - from, 1 + random.nextInt(3 * PAGE));
            runs.add(mappings[random.nextInt(mappings.length)], from, length);
        }
        return runs;
    }

    private static List<String> places(Runs runs) {
        List<String> places = new ArrayList<>();
        for (int run = 0; run < runs.count(); run++) {
            long end = runs.offset(run) + runs.length(run);
            for (long line = runs.offset(run) / 64; line * 64 < end; line++)
                places.add(runs.mapping(run).id() + "/" + line);
        }
        return places;
    }

    private static boolean sharePage(View one, View other) {
        Set<String> pages = new HashSet<>();
        for (String place : one.places()) pages.add(page(place));
        return other.places().stream().anyMatch(place -> pages.contains(page(place)));
    }

    private static String page(String place) {
        int slash = place.indexOf('/');
        return place.substring(0, slash) + Long.parseLong(place.substring(slash + 1)) / 64;
    }

    /** Where a line of a view is held. */
    private static String held(View view, int line) {
        int piece = view.lines().pieceAt(line);
        int at = view.lines().pieceOffset(piece) + line - view.lines().pieceStart(piece);
        return System.identityHashCode(view.lines().region(piece)) + ":" + at;
    }

    @Test
    void buffersComeAndGoAndTheSameLineIsAlwaysHeldInOnePlace() throws IOException {
        FileMapping[] mappings = { files.mapping(PAGES * PAGE), files.mapping(PAGES * PAGE) };
        Random random = new Random(SEED);
        List<View> views = new ArrayList<>();
        for (int step = 1; step < 600; step++) {
            if (views.size() > 7 || (!views.isEmpty() && random.nextInt(3) == 0)) {
                ledger.remove(views.remove(random.nextInt(views.size())).lines());
            } else {
                add(step, scattered(random, mappings), views);
            }
            if (step % 20 == 0) checkPlaces(views, step);
        }
        for (View view : views) ledger.remove(view.lines());
        Ledger.Shared alone = ledger.add(600, "alone", whole(mappings[0]), false);
        assertThat(alone.buffers()).as("nothing is left of the others, seed %d", SEED).isEmpty();
        ledger.remove(alone.lines());
        for (FileMapping mapping : mappings) mapping.release();
    }

    private static Runs whole(FileMapping file) {
        Runs runs = new Runs();
        runs.add(file, 0, file.size());
        return runs;
    }

    private void add(int number, Runs runs, List<View> views) throws IOException {
        Ledger.Shared shared = ledger.add(number, "buffer " + number, runs, false);
        View view = new View(shared.lines(), places(runs));
        assertThat(view.lines().count()).isEqualTo(view.places().size());
        Set<String> expected = new TreeSet<>();
        Set<String> own = new HashSet<>(view.places());
        for (View other : views) {
            if (other.places().stream().anyMatch(own::contains)) expected.add(other.lines().buffer());
        }
        Set<String> told = new TreeSet<>(shared.buffers());
        boolean twice = own.size() < view.places().size();
        if (twice) told.remove(view.lines().buffer());
        // A line that several have is told as one of theirs: which of them is not said.
        assertThat(expected).as("buffer %d, seed %d", number, SEED).containsAll(told);
        assertThat(told.isEmpty()).as("buffer %d, seed %d", number, SEED).isEqualTo(expected.isEmpty());
        for (View other : views) {
            if (sharePage(view, other))
                assertThat(view.lines().group()).as("one lock, seed %d", SEED).isSameAs(other.lines().group());
        }
        views.add(view);
    }

    private static void checkPlaces(List<View> views, int step) {
        Map<String, String> where = new HashMap<>();
        Map<String, String> what = new HashMap<>();
        for (View view : views) {
            for (int line = 0; line < view.lines().count(); line++) {
                String place = view.places().get(line);
                String held = held(view, line);
                assertThat(where.computeIfAbsent(place, _ -> held)).as("%s after step %d, seed %d", place, step, SEED)
                        .isEqualTo(held);
                assertThat(what.computeIfAbsent(held, _ -> place)).as("%s after step %d, seed %d", held, step, SEED)
                        .isEqualTo(place);
            }
        }
    }

    /** Two threads give and take lines while a third buffer joins theirs into one group, again and again. */
    @Test
    void groupsBecomeOneWhileTheirLinesChangeOwners() throws Exception {
        FileMapping file = files.mapping(PAGES * PAGE);
        Findings findings = new Findings();
        Gate gate = new Gate(Flavour.ARM64, CacheExecutor.NONE, findings, TraceSink.NONE);
        int rounds = 300;
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < rounds; round++) {
                Lines left = ledger.add(3 * round + 1, "left", piece(file, 0, 4), false).lines();
                Lines right = ledger.add(3 * round + 2, "right", piece(file, 4, 4), false).lines();
                CountDownLatch both = new CountDownLatch(2);
                List<Future<Void>> work = List.of(threads.submit(giving(gate, left, round, both)),
                        threads.submit(giving(gate, right, round, both)));
                assertThat(both.await(10, TimeUnit.SECONDS)).isTrue();
                Lines across = ledger.add(3 * round + 3, "across", piece(file, 2, 4), false).lines();
                for (Future<Void> one : work) one.get(10, TimeUnit.SECONDS);
                assertThat(left.group()).isSameAs(right.group()).isSameAs(across.group());
                assertThat(CpuOwned.all(left, 0, 4 * PAGE) && CpuOwned.all(right, 0, 4 * PAGE)
                        && CpuOwned.all(across, 0, 4 * PAGE)).isTrue();
                for (Lines lines : List.of(left, right)) assertThat(ledger.counters(lines).transfers()).isEqualTo(40);
                for (Lines lines : List.of(left, right, across)) ledger.remove(lines);
            }
        }
        assertThat(ledger.totals().transfers()).isEqualTo(rounds * 80L);
        assertThat(findings.errors()).as(findings.report()).isEmpty();
        file.release();
    }

    private static Callable<Void> giving(Gate gate, Lines lines, int round, CountDownLatch begun) {
        return () -> {
            Holder holder = new Holder(1000 + round, lines.buffer(), false);
            assertThat(gate.join(lines, holder)).isTrue();
            begun.countDown();
            for (int i = 0; i < 20; i++) {
                gate.forDevice(lines, holder, 0, 4 * PAGE, Direction.TO_DEVICE, false);
                gate.forCpu(lines, holder, new Rows().set(0, 4 * PAGE), Direction.TO_DEVICE);
            }
            gate.leave(lines, holder);
            return null;
        };
    }

    private static Runs piece(FileMapping file, int page, int pages) {
        Runs runs = new Runs();
        runs.add(file, (long) page * PAGE, (long) pages * PAGE);
        return runs;
    }
}
