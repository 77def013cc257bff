package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

/** Holds a law against many programs, and says how it was broken: each kind once, by the shortest program. */
final class Judge implements AutoCloseable {
    private final Laws law;
    private final Bench bench;
    /** The first program that has broken the law in a way, and how often one has. */
    private final Map<String, Program> broken = new TreeMap<>();
    private final Map<String, Integer> times = new TreeMap<>();
    private long programs;
    private long withWrongBytes;

    /** @param bench is closed with it */
    Judge(Laws law, Bench bench) {
        this.law = law;
        this.bench = bench;
    }

    void judge(Program program) {
        programs++;
        Outcome outcome = Run.of(program, bench);
        if (!outcome.wrong().isEmpty()) withWrongBytes++;
        @Nullable
        String said = law.brokenBy(program, outcome);
        if (said == null) return;
        broken.putIfAbsent(Laws.kind(said), program);
        times.merge(Laws.kind(said), 1, Integer::sum);
    }

    long programs() {
        return programs;
    }

    /** Programs in which a reader has got wrong bytes: those that the second law is about. */
    long withWrongBytes() {
        return withWrongBytes;
    }

    /** A program for each way in which the law was broken, as short as it gets, to be read. */
    List<String> report() {
        List<String> report = new ArrayList<>();
        broken.forEach((kind, program) -> {
            Program shortest = Shrinker.shrink(program, law, bench);
            Outcome outcome = Run.of(shortest, bench);
            report.add("""
                    %s, %d of %d programs:
                    %s
                    // %s
                    // told: %s""".formatted(kind, times.get(kind), programs, shortest.text(),
                    law.brokenBy(shortest, outcome), outcome.told()));
        });
        return report;
    }

    @Override
    public void close() {
        bench.close();
    }
}
