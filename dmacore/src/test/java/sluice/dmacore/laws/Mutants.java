package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * All programs that are one call away from another: a call left out, doubled, made one step later, or in another way. Accesses to
 * bytes stay as they are.
 */
final class Mutants {
    private Mutants() {}

    static void each(Program program, Consumer<Program> taker) {
        List<Step> steps = program.steps();
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            if (!isCall(step)) continue;
            List<Step> without = new ArrayList<>(steps);
            without.remove(i);
            taker.accept(program.with(without));
            List<Step> twice = new ArrayList<>(steps);
            twice.add(i, step);
            taker.accept(program.with(twice));
            if (i + 1 < steps.size()) {
                List<Step> later = new ArrayList<>(steps);
                later.set(i, steps.get(i + 1));
                later.set(i + 1, step);
                taker.accept(program.with(later));
            }
            for (Step other : Variants.mistakes(step, program.layout())) {
                List<Step> wrong = new ArrayList<>(steps);
                wrong.set(i, other);
                taker.accept(program.with(wrong));
            }
        }
    }

    private static boolean isCall(Step step) {
        return switch (step) {
            case Step.DeviceRead _,Step.DeviceWrite _,Step.Read _,Step.Write _,Step.Load _,Step.Store _ -> false;
            case Step.Attach _,Step.Detach _,Step.Map _,Step.Unmap _,Step.ForDevice _,Step.ForCpu _,Step.Begin _,Step.End _,Step.Move _ ->
                true;
        };
    }
}
