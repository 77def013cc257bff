package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.laws.Setting.Port;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;

/** Makes a program that breaks a law as short as it gets, one that breaks it in the same way. */
final class Shrinker {
    private final Predicate<Program> broken;
    private Program best;

    private Shrinker(Program program, Predicate<Program> broken) {
        best = program;
        this.broken = broken;
    }

    /** The shortest program that breaks a law as this one does; a right one stays right. */
    static Program shrink(Program program, Laws law, Bench bench) {
        return shrink(program, shorter -> law == Laws.RIGHT_PROGRAM && !Rules.keeps(shorter)
                ? null
                : law.brokenBy(shorter, bench));
    }

    /** @param broken says how a program is broken, the kind of it up to a colon; null if it is not */
    static Program shrink(Program program, Function<Program, @Nullable String> broken) {
        String said = broken.apply(program);
        if (said == null) throw new IllegalArgumentException("nothing is broken");
        String kind = Laws.kind(said);
        Shrinker shrinker = new Shrinker(program, shorter -> {
            String says = broken.apply(shorter);
            return says != null && Laws.kind(says).equals(kind);
        });
        shrinker.shrink();
        return shrinker.best;
    }

    private boolean take(Program shorter) {
        if (!broken.test(shorter)) return false;
        best = shorter;
        return true;
    }

    private void shrink() {
        int size = Integer.MAX_VALUE;
        while (measure() < size) {
            size = measure();
            for (int chunk = best.steps().size() / 2; chunk > 1; chunk /= 2) leaveOut(chunk);
            leaveOut(1);
            leaveOutPairs();
            simplerMachine();
            simplerSteps();
        }
    }

    private int measure() {
        int ranges = 0;
        for (Step step : best.steps()) ranges += complexity(step);
        return best.steps().size() * 100_000 + ranges;
    }

    private static int complexity(Step step) {
        return switch (step) {
            case Step.ForDevice s -> s.from() + 10 + (s.part() == Direction.BIDIRECTIONAL ? 0 : 1);
            case Step.ForCpu s -> s.from() + 10 + (s.part() == Direction.BIDIRECTIONAL ? 0 : 1);
            case Step.Map s -> s.mode() == Mode.PLAIN ? 0 : 1;
            default -> 0;
        };
    }

    private void leaveOut(int chunk) {
        for (int i = best.steps().size() - chunk; i >= 0; i--) {
            if (i + chunk > best.steps().size()) continue;
            List<Step> fewer = new ArrayList<>(best.steps());
            fewer.subList(i, i + chunk).clear();
            take(best.with(fewer));
        }
    }

    /** Calls that belong together go together. */
    private void leaveOutPairs() {
        for (int i = best.steps().size() - 1; i > 0; i--) {
            for (int j = i - 1; j >= 0 && i < best.steps().size(); j--) {
                List<Step> fewer = new ArrayList<>(best.steps());
                fewer.remove(i);
                fewer.remove(j);
                if (take(best.with(fewer))) break;
            }
        }
    }

    private void simplerMachine() {
        Setting setting = best.setting();
        on(new Setting(Flavour.ARM64, setting.eviction(), setting.buffers(), setting.attachments()));
        setting = best.setting();
        on(new Setting(setting.flavour(), new Eviction.Lazy(), setting.buffers(), setting.attachments()));
        for (int a = 0; a < best.setting().attachments().size(); a++) {
            Port port = best.setting().attachments().get(a);
            if (port.device() != a) other(a, port.withDevice(a));
            if (port.dynamic()) other(a, port.withDynamic(false));
            if (port.addressed()) other(a, port.withAddressed(false));
        }
    }

    private void other(int a, Port port) {
        List<Port> ports = new ArrayList<>(best.setting().attachments());
        ports.set(a, port);
        Setting setting = best.setting();
        on(new Setting(setting.flavour(), setting.eviction(), setting.buffers(), List.copyOf(ports)));
    }

    private void on(Setting setting) {
        if (setting.equals(best.setting())) return;
        take(new Program(best.seed(), new Layout(setting), best.steps()));
    }

    /** Whole buffers and single lines say more than what chance has drawn. */
    private void simplerSteps() {
        for (int i = 0; i < best.steps().size(); i++) {
            for (Step simpler : Variants.simpler(best.steps().get(i), best.layout())) {
                List<Step> other = new ArrayList<>(best.steps());
                other.set(i, simpler);
                if (take(best.with(other))) break;
            }
        }
    }
}
