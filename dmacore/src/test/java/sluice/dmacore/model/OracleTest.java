package sluice.dmacore.model;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random programs on the model and on a naive machine: the same bytes everywhere, no finding in a correct one, and exactly
 * the right one in a program with a mistake.
 */
@Tag("S40")
@Tag("S41")
@Tag("S45")
class OracleTest {
    /** {@code -Dsluice.programs=1000000} runs a million, in some minutes. */
    private static final int PROGRAMS = Integer.getInteger("sluice.programs", 4000);
    private static final long SEED = Long.getLong("sluice.seed", 20261121);
    private static final int STEPS = 30;

    @Test
    void theModelIsTheMachineAndFindsTheMistake() throws IOException {
        System.out.println("seed " + SEED + ", " + PROGRAMS + " programs");
        Program.Mistake[] mistakes = Program.Mistake.values();
        // Every second one is correct.
        Set<Program.Mistake> made = run(new Eviction.Lazy(), PROGRAMS,
                i -> i % 2 == 0 ? Program.Mistake.NONE : mistakes[1 + i / 2 % (mistakes.length - 1)]);
        assertThat(made).hasSize(Math.min(mistakes.length, PROGRAMS));
    }

    /** Caches write back when they like, and who does everything right need not care. */
    @Test
    void aCorrectProgramDoesNotSeeWhenLinesAreEvicted() throws IOException {
        for (Eviction eviction : List.of(new Eviction.Eager(), new Eviction.Seeded(SEED, 3)))
            assertThat(run(eviction, PROGRAMS / 8, _ -> Program.Mistake.NONE)).hasSize(1);
    }

    private static Set<Program.Mistake> run(Eviction eviction, int programs, IntFunction<Program.Mistake> mistakes)
            throws IOException {
        Set<Program.Mistake> made = new HashSet<>();
        try (Machine machine = Machine.modelled(eviction)) {
            FileMapping ram = machine.file(2);
            DeviceFunction[] functions = { machine.device("a"), machine.device("b"), machine.device("snooper") };
            DeviceView[] views = new DeviceView[functions.length];
            for (int i = 0; i < views.length; i++) views[i] = machine.view(functions[i]);
            for (int i = 0; i < programs; i++) {
                Program.Mistake mistake = mistakes.apply(i);
                machine.core().findings().clear();
                Program program = new Program(machine, ram, functions, views, SEED + i, mistake);
                program.run(STEPS);
                check(machine, program, mistake, i);
                made.add(mistake);
            }
        }
        return made;
    }

    private static void check(Machine machine, Program program, Program.Mistake mistake, int index) {
        Set<Rule> rules = new HashSet<>();
        for (Finding finding : machine.core().findings().errors()) rules.add(finding.rule());
        if (mistake == Program.Mistake.NONE) {
            assertThat(rules).as("program %d: %s%n%s", index, program.told(), machine.core().findings().report())
                    .isEmpty();
        } else {
            assertThat(rules).as("program %d: %s%n%s", index, program.told(), machine.core().findings().report())
                    .isNotEmpty().isSubsetOf(mistake.rules);
        }
    }
}
