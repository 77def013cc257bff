package sluice.dmacore.laws;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ObjLongConsumer;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The two laws against drawn programs. {@code -Dsluice.programs} says how many, {@code -Dsluice.seed} from which on: the seeds are
 * numbers that follow each other, and each failure says its own.
 */
class LawsTest {
    private static final long SEED = Long.getLong("sluice.seed", 20261129);
    private static final int MILLION = 1_000_000;

    /** How many programs are drawn, and on which bench. */
    private enum Draw {
        /** The machines are as in a process of ours. */
        SMALL(1) {
            @Override
            Bench bench() throws IOException {
                return Bench.withFiles();
            }
        },
        LARGE(Runtime.getRuntime().availableProcessors()) {
            @Override
            Bench bench() throws IOException {
                return Bench.ofOneThread();
            }
        };

        final int threads;

        Draw(int threads) {
            this.threads = threads;
        }

        abstract Bench bench() throws IOException;
    }

    private static int programs(int usually) {
        return Integer.getInteger("sluice.programs", usually);
    }

    @Test
    void aRightProgramIsNotBlamedAndSeesTheRightBytes() {
        right(programs(1500), Draw.SMALL);
    }

    @Test
    void wrongBytesOfAnyProgramAreTold() {
        wild(programs(2000), Draw.SMALL);
    }

    @Test
    void wrongBytesOfAProgramWithOneWrongCallAreTold() {
        mutants(programs(2000) / 80, Draw.SMALL);
    }

    @Tag("long")
    @Test
    void manyRightPrograms() {
        right(programs(MILLION), Draw.LARGE);
    }

    @Tag("long")
    @Test
    void manyProgramsOfAnyKind() {
        wild(programs(MILLION), Draw.LARGE);
    }

    @Tag("long")
    @Test
    void everyOneCallMistakeOfManyPrograms() {
        mutants(programs(MILLION) / 10, Draw.LARGE);
    }

    private static void right(int count, Draw draw) {
        Tally tally = judged(Laws.RIGHT_PROGRAM, count, draw, (judge, seed) -> {
            Program program = CorrectPrograms.draw(seed);
            if (program != null) judge.judge(program);
        });
        assertThat(tally.programs).as("few lead nowhere").hasValueGreaterThan(count * 9L / 10);
    }

    private static void wild(int count, Draw draw) {
        Tally tally = judged(Laws.WRONG_BYTES, count, draw,
                (judge, seed) -> judge.judge(WildPrograms.draw(seed)));
        assertThat(tally.withWrongBytes).as("programs with wrong bytes").hasValueGreaterThan(tally.programs.get() / 8);
    }

    private static void mutants(int count, Draw draw) {
        Tally tally = judged(Laws.WRONG_BYTES, count, draw, (judge, seed) -> {
            Program program = CorrectPrograms.draw(seed);
            if (program != null) Mutants.each(program, judge::judge);
        });
        assertThat(tally.withWrongBytes).as("programs with wrong bytes").hasValueGreaterThan(tally.programs.get() / 40);
    }

    private record Tally(AtomicLong programs, AtomicLong withWrongBytes, List<String> report) {}

    /** Programs of a number of seeds, divided among threads, each with a bench of its own. */
    private static Tally judged(Laws law, int count, Draw draw, ObjLongConsumer<Judge> each) {
        System.out.printf("%s: seeds %d to %d%n", law, SEED, SEED + count - 1);
        Tally tally = new Tally(new AtomicLong(), new AtomicLong(), new CopyOnWriteArrayList<>());
        IntStream.range(0, draw.threads).parallel().forEach(first -> {
            try (Judge judge = new Judge(law, draw.bench())) {
                for (long seed = SEED + first; seed < SEED + count; seed += draw.threads) each.accept(judge, seed);
                tally.programs.addAndGet(judge.programs());
                tally.withWrongBytes.addAndGet(judge.withWrongBytes());
                tally.report.addAll(judge.report());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        System.out.printf("%d programs, in %d of them somebody got wrong bytes%n", tally.programs.get(),
                tally.withWrongBytes.get());
        assertThat(tally.report).isEmpty();
        return tally;
    }
}
