package sluice.guest.check;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.google.gson.JsonObject;

/**
 * Faults that {@code --card-option inject=} has made happen, since the card's process began.
 *
 * @param times by the option
 * @param at the number of the event at which each happened last: an interrupt, a write, an access, a map or an unmap
 */
record InjectedFaults(Map<String, Long> times, Map<String, Long> at) {
    /** Nothing has happened. */
    static final InjectedFaults NONE = new InjectedFaults(Map.of(), Map.of());

    /** Those of a card's report. */
    static InjectedFaults of(JsonObject card) {
        return new InjectedFaults(numbers(card, "injected"), numbers(card, "injectedAt"));
    }

    private static Map<String, Long> numbers(JsonObject card, String name) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        if (card.has(name))
            card.getAsJsonObject(name).entrySet()
                    .forEach(entry -> numbers.put(entry.getKey(), entry.getValue().getAsLong()));
        return numbers;
    }

    /** Those that have happened after an earlier moment, each as a clause. */
    List<String> since(InjectedFaults before) {
        List<String> clauses = new ArrayList<>();
        times.forEach((option, count) -> {
            long fresh = count - before.times.getOrDefault(option, 0L);
            if (fresh > 0) clauses.add(clause(option, fresh));
        });
        return clauses;
    }

    private String clause(String option, long fresh) {
        String name = option.replaceFirst("^--", "");
        long event = at.getOrDefault(option, 0L);
        String often = fresh == 1 ? "has happened" : "has happened %d times".formatted(fresh);
        if (event == 0) return "%s %s".formatted(name, often);
        return "%s %s, %s%s %d".formatted(name, often, fresh == 1 ? "at " : "the last time at ", kind(name), event);
    }

    /** What the events are that a fault counts. */
    private static String kind(String name) {
        String kind = name.replaceFirst("^inject=", "").replaceFirst(",.*", "");
        return switch (kind) {
            case "lost-interrupt", "late-interrupt" -> "interrupt";
            case "short-write", "overrun" -> "write";
            case "fail-map" -> "map";
            case "fail-unmap" -> "unmap";
            default -> "access";
        };
    }
}
