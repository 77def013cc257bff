package sluice.vdev.differential;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How often what occurred. */
final class Tally {
    private final Map<Accepted, Long> accepted = new EnumMap<>(Accepted.class);
    private final Map<String, Long> answers = new TreeMap<>();
    private long commands;
    private long carriedOut;
    private long pixels;

    void accepted(Accepted difference) {
        accepted.merge(difference, 1L, Long::sum);
    }

    void command(String name, boolean done) {
        commands++;
        carriedOut += done ? 1 : 0;
        answers.merge(name + (done ? " ok" : " refused"), 1L, Long::sum);
    }

    void pixels(long count) {
        pixels += count;
    }

    void add(Tally other) {
        other.accepted.forEach((difference, count) -> accepted.merge(difference, count, Long::sum));
        other.answers.forEach((answer, count) -> answers.merge(answer, count, Long::sum));
        commands += other.commands;
        carriedOut += other.carriedOut;
        pixels += other.pixels;
    }

    long commands() {
        return commands;
    }

    /** The part of all commands that ours carried out, 0 to 1. */
    double share() {
        return (double) carriedOut / commands;
    }

    long pixels() {
        return pixels;
    }

    /** Accepted differences that did not occur. */
    List<Accepted> missing() {
        List<Accepted> missing = new ArrayList<>(List.of(Accepted.values()));
        missing.removeAll(accepted.keySet());
        return missing;
    }

    String report() {
        StringBuilder text = new StringBuilder("%d commands, %.0f %% carried out, %d pixels compared%n"
                .formatted(commands, 100 * share(), pixels));
        answers.forEach((answer, count) -> text.append("%8d %s%n".formatted(count, answer)));
        for (Accepted difference : Accepted.values()) {
            text.append("%8d %s%n".formatted(accepted.getOrDefault(difference, 0L), difference.row()));
        }
        return text.toString();
    }
}
