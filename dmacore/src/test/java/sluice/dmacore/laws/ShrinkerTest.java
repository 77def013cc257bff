package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** That what is left of a long program is short, and broken in the same way. */
class ShrinkerTest {
    /** Broken for as long as a device has a mapping and writes, twice. */
    private static @Nullable String writesTwice(Program program) {
        long writes = program.steps().stream().filter(Step.DeviceWrite.class::isInstance).count();
        boolean mapped = program.steps().stream().anyMatch(Step.Map.class::isInstance);
        if (writes < 2) return null;
        return mapped ? "mapped: " + program.steps().size() : "not mapped: " + program.steps().size();
    }

    @Test
    void leavesWhatBreaksIt() {
        long seed = 1;
        Program program = CorrectPrograms.draw(seed);
        while (program == null || writesTwice(program) == null)
            program = CorrectPrograms.draw(++seed);
        Program shortest = Shrinker.shrink(program, ShrinkerTest::writesTwice);
        assertThat(shortest.steps()).hasSize(3).hasAtLeastOneElementOfType(Step.Map.class);
        assertThat(shortest.text()).startsWith("// seed " + seed).contains(".map(", "device.write(");
    }

    @Test
    void keepsRightProgramsRight() {
        long seed = 1;
        Program program = CorrectPrograms.draw(seed);
        while (program == null || writesTwice(program) == null)
            program = CorrectPrograms.draw(++seed);
        Program shortest = Shrinker.shrink(program, shorter -> Rules.keeps(shorter) ? writesTwice(shorter) : null);
        assertThat(Rules.keeps(shortest)).isTrue();
        assertThat(shortest.steps()).hasSizeBetween(5, 12);
    }

    @Test
    void everyMutantIsAnotherProgram() {
        Program program = Objects.requireNonNull(CorrectPrograms.draw(1), "a program of this seed");
        List<List<Step>> mutants = new ArrayList<>();
        Mutants.each(program, mutant -> mutants.add(mutant.steps()));
        assertThat(mutants).hasSizeGreaterThan(2 * program.steps().size()).doesNotContain(program.steps());
    }
}
