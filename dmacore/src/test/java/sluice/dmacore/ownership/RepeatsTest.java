package sluice.dmacore.ownership;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.TraceSink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Buffers whose lists have lines several times. */
class RepeatsTest {
    private static final int PAGE = 4096;
    private static final long MIB = 1L << 20;
    private static final long SEED = 20261121;

    private final MemoryFiles files = new MemoryFiles(4);
    private final Ledger ledger = new Ledger();

    @AfterEach
    void nothingIsMapped() {
        files.awaitUnmapped();
    }

    private static int pieces(Lines lines) {
        return lines.pieceAt(lines.count() - 1) + 1;
    }

    /** A line of the buffer, said by the state that it has. */
    private record Held(Region region, int line) {
        static Held of(Lines lines, int line) {
            int piece = lines.pieceAt(line);
            return new Held(lines.region(piece), lines.pieceOffset(piece) + line - lines.pieceStart(piece));
        }
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

    /** Runs that begin and end anywhere, most of them among earlier ones, and some that say an earlier one again. */
    private static Runs list(Random random, FileMapping[] mappings) {
        Runs runs = new Runs();
        int count = 1 + random.nextInt(30);
        for (int i = 0; i < count; i++) {
            if (i > 0 && random.nextInt(4) == 0) {
                int again = random.nextInt(runs.count());
                runs.add(runs.mapping(again), runs.offset(again), runs.length(again));
                continue;
            }
            FileMapping file = mappings[random.nextInt(mappings.length)];
            long from = random.nextLong(file.size());
            long most = random.nextBoolean() ? 200 : 3 * PAGE;
            runs.add(file, from, Math.min(file.size() - from, 1 + random.nextLong(most)));
        }
        return runs;
    }

    @Test
    void theSameLineOfAnyListIsHeldInOnePlaceAndAnotherLineInAnother() throws IOException {
        FileMapping[] mappings = { files.mapping(10 * PAGE), files.mapping(6 * PAGE) };
        Random random = new Random(SEED);
        for (int round = 0; round < 400; round++) {
            Map<String, Held> where = new HashMap<>();
            Map<Held, String> what = new HashMap<>();
            List<Lines> all = new ArrayList<>();
            for (int buffer = 1; buffer <= 3; buffer++) {
                Runs runs = list(random, mappings);
                List<String> places = places(runs);
                Ledger.Shared shared = ledger.add(buffer, "buffer " + buffer, runs, false);
                Lines lines = shared.lines();
                assertThat(lines.count()).isEqualTo(places.size());
                assertThat(shared.buffers().contains("buffer " + buffer)).as("round %d, seed %d", round, SEED)
                        .isEqualTo(new HashSet<>(places).size() < places.size());
                if (buffer == 1) assertThat(pieces(lines)).isLessThanOrEqualTo(runs.count());
                for (int line = 0; line < places.size(); line++) {
                    Held held = Held.of(lines, line);
                    String place = places.get(line);
                    if (!held.equals(where.computeIfAbsent(place, _ -> held))
                            || !place.equals(what.computeIfAbsent(held, _ -> place)))
                        throw new AssertionError("%s in round %d, seed %d".formatted(place, round, SEED));
                }
                all.add(lines);
            }
            for (Lines lines : all) ledger.remove(lines);
        }
        for (FileMapping mapping : mappings) mapping.release();
    }

    @Test
    void aPageThatALargeBufferHasTwiceCostsWhatItsListDoes() throws IOException {
        FileMapping ram = files.mapping(1024 * MIB);
        Runs list = new Runs();
        list.add(ram, 0, 1024 * MIB);
        list.add(ram, 512 * MIB, PAGE);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        Ledger.Shared shared = ledger.add(1, "large", list, true);
        // The table of pages takes 4 bytes for each of 262,144.
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(4 * MIB);
        Lines lines = shared.lines();
        assertThat(shared.buffers()).containsExactly("large");
        assertThat(pieces(lines)).isEqualTo(2);
        Findings findings = new Findings();
        Gate gate = new Gate(Flavour.ARM64, CacheExecutor.NONE, findings, TraceSink.NONE);
        Holder one = new Holder(1, "one", false);
        Holder other = new Holder(2, "other", false);
        assertThat(gate.join(lines, one) && gate.join(lines, other)).isTrue();
        gate.forDevice(lines, one, 1024 * MIB, PAGE, Direction.FROM_DEVICE, false);
        assertThat(CpuOwned.all(lines, 512 * MIB, 1)).as("given at its other place").isFalse();
        assertThat(CpuOwned.all(lines, 0, 512 * MIB)).isTrue();
        gate.forDevice(lines, other, 512 * MIB + 64, 64, Direction.FROM_DEVICE, false);
        assertThat(findings.times(Rule.D17_OVERLAPPING_WRITES)).isEqualTo(1);
        gate.leave(lines, one);
        gate.leave(lines, other);
        ledger.remove(lines);
        ram.release();
    }

    /** Each run overlaps the last one but for a page: told by first occurrence, a line of the last would be its own piece. */
    @Test
    void runsThatOverlapInStepsAreOnePieceEach() throws IOException {
        FileMapping ram = files.mapping(64 * MIB);
        Runs list = new Runs();
        int steps = 4000;
        for (int i = 0; i < steps; i++) list.add(ram, (steps - i) * 64L, steps * 64L);
        Ledger.Shared shared = ledger.add(1, "steps", list, true);
        assertThat(pieces(shared.lines())).isLessThanOrEqualTo(steps);
        Ledger.Shared again = ledger.add(2, "again", list, true);
        assertThat(pieces(again.lines())).isLessThanOrEqualTo(steps);
        ledger.remove(shared.lines());
        ledger.remove(again.lines());
        ram.release();
    }

    /** The lists of two commands, of which the second has each piece of the first a hundred times. */
    @Test
    void listsWhosePiecesMultiplyAreRefusedBeforeTheyFillTheHeap() throws IOException {
        FileMapping ram = files.mapping(128 * MIB);
        Runs scattered = new Runs();
        for (int page = 0; page < 16_384; page++) scattered.add(ram, page * 2L * PAGE, PAGE);
        Lines first = ledger.add(1, "first", scattered, true).lines();
        Runs again = new Runs();
        for (int i = 0; i < 100; i++) again.add(ram, 0, 128 * MIB);
        assertThatThrownBy(() -> ledger.add(2, "second", again, true)).isInstanceOf(LedgerFullException.class)
                .hasMessageContaining("second")
                .hasMessageContaining("lie in more than 131072 pieces, which is the limit: list each page once");

        Runs fewer = new Runs();
        for (int i = 0; i < 3; i++) fewer.add(ram, 0, 128 * MIB);
        for (int round = 0; round < 3; round++) {
            Ledger.Shared shared = ledger.add(2, "second", fewer, true);
            assertThat(shared.buffers()).containsExactlyInAnyOrder("first", "second");
            ledger.remove(shared.lines());
        }
        ledger.remove(first);
        Ledger.Shared alone = ledger.add(2, "second", scattered, true);
        assertThat(alone.buffers()).as("nothing is left of what was refused").isEmpty();
        assertThat(pieces(alone.lines())).isEqualTo(1);
        ledger.remove(alone.lines());
        ram.release();
    }

    @Test
    void aBufferOfMoreLinesThanHaveNumbersIsRefused() throws IOException {
        FileMapping ram = files.mapping(1L << 40);
        Runs whole = new Runs();
        whole.add(ram, 0, 1L << 40);
        assertThatThrownBy(() -> ledger.add(1, "all of it", whole, true)).isInstanceOf(LedgerFullException.class)
                .hasMessageContaining("all of it has 17179869184 lines");
        ram.release();
    }
}
