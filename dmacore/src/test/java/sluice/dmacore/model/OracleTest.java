package sluice.dmacore.model;

import java.io.IOException;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Flavour;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random programs on the model and on a naive machine: the same bytes everywhere, no finding in a correct one, and exactly
 * the right one in a program with a mistake.
 */
@Tag("S40")
@Tag("S41")
@Tag("S45")
class OracleTest {
    private static final int PROGRAMS = Integer.getInteger("sluice.programs", 1500);
    private static final int MANY_PROGRAMS = 1_000_000;
    private static final long SEED = Long.getLong("sluice.seed", 20261121);
    private static final int STEPS = 30;

    @Test
    void theModelIsTheMachineAndFindsTheMistake() throws IOException {
        mixed(PROGRAMS, SEED);
    }

    /** About ten minutes; other programs than those of the short test. */
    @Test
    @Tag("long")
    void theModelIsTheMachineForAMillionPrograms() throws IOException {
        mixed(MANY_PROGRAMS, SEED + PROGRAMS);
    }

    private static void mixed(int programs, long seed) throws IOException {
        System.out.println("seed " + seed + ", " + programs + " programs");
        Mistake[] mistakes = Mistake.values();
        // Every second one is correct.
        Set<Mistake> made = run(new Eviction.Lazy(), programs, seed,
                i -> i % 2 == 0 ? Mistake.NONE : mistakes[1 + i / 2 % (mistakes.length - 1)]);
        assertThat(made).hasSize(Math.min(mistakes.length, programs));
    }

    /** Caches write back when they like, and who does everything right need not care. */
    @Test
    void aCorrectProgramDoesNotSeeWhenLinesAreEvicted() throws IOException {
        for (Eviction eviction : List.of(new Eviction.Eager(), new Eviction.Seeded(SEED, 3)))
            assertThat(run(eviction, PROGRAMS / 8, SEED, _ -> Mistake.NONE)).hasSize(1);
    }

    private static Set<Mistake> run(Eviction eviction, int programs, long seed, IntFunction<Mistake> mistakes)
            throws IOException {
        Set<Mistake> made = new HashSet<>();
        Map<Flavour, Rig> rigs = new EnumMap<>(Flavour.class);
        try (Rig arm = Rig.of(Flavour.ARM64, eviction);
                Rig arc = Rig.of(Flavour.ARC, eviction);
                Rig coherent = Rig.of(Flavour.COHERENT, eviction)) {
            rigs.put(Flavour.ARM64, arm);
            rigs.put(Flavour.ARC, arc);
            rigs.put(Flavour.COHERENT, coherent);
            for (int i = 0; i < programs; i++) {
                Draw draw = Draw.of(seed + i, mistakes.apply(i));
                Rig rig = rigs.getOrDefault(draw.flavour(), arm);
                rig.machine().core().findings().clear();
                Program program = new Program(rig, draw);
                program.run(STEPS);
                check(rig.machine().core().findings(), program, draw);
                made.add(draw.mistake());
            }
        }
        return made;
    }

    private static void check(Findings findings, Program program, Draw draw) {
        Set<Rule> rules = new HashSet<>();
        for (Finding finding : findings.errors()) rules.add(finding.rule());
        if (draw.mistake() == Mistake.NONE) {
            assertThat(rules).as("%s%n%s", program.told(), findings.report()).isEmpty();
        } else {
            assertThat(rules).as("%s%n%s", program.told(), findings.report()).isNotEmpty()
                    .isSubsetOf(draw.mistake().rules);
        }
    }
}
