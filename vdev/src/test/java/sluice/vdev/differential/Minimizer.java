package sluice.vdev.differential;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Leaves steps out of a failing stream for as long as it goes on failing: delta debugging (Zeller, 1999). */
final class Minimizer {
    private Minimizer() {}

    /**
     * Shortens a list.
     *
     * @param failing fails
     * @param fails   says whether a part of it still does
     * @param limit   when to stop trying
     * @return a part that fails; without any one of its elements it does not, if there was time to find out
     */
    static <T> List<T> minimize(List<T> failing, Predicate<List<T>> fails, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        List<T> shortest = failing;
        int parts = 2;
        while (shortest.size() > 1) {
            int size = Math.ceilDiv(shortest.size(), parts);
            boolean shorter = false;
            for (int from = 0; from < shortest.size(); from += size) {
                if (System.nanoTime() - end > 0) {
                    return shortest;
                }
                List<T> rest = new ArrayList<>(shortest.subList(0, from));
                rest.addAll(shortest.subList(Math.min(shortest.size(), from + size), shortest.size()));
                if (fails.test(rest)) {
                    shortest = rest;
                    shorter = true;
                    break;
                }
            }
            if (shorter) {
                parts = Math.max(2, parts - 1);
            } else if (size == 1) {
                return shortest;
            } else {
                parts = Math.min(shortest.size(), 2 * parts);
            }
        }
        return shortest;
    }
}
