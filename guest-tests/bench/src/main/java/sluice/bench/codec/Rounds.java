package sluice.bench.codec;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

/** All rounds with a number of sessions at once: those of the device, and those of the library beside them. */
final class Rounds {
    private final int sessions;
    private final int pictures;
    private final List<Subject.Round> ours = new ArrayList<>();
    private final List<Subject.Round> theirs = new ArrayList<>();

    /**
     * Least, median and most.
     *
     * @param least of all rounds
     */
    record Spread(double least, double median, double most) {
        static Spread of(double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int middle = sorted.length / 2;
            return new Spread(sorted[0],
                    sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2,
                    sorted[sorted.length - 1]);
        }

        String text() {
            return String.format(Locale.ROOT, "%.3g (%.3g–%.3g)", median, least, most);
        }
    }

    /** @param pictures of one session */
    Rounds(int sessions, int pictures) {
        this.sessions = sessions;
        this.pictures = pictures;
    }

    void add(Subject.Round device, Subject.Round library) {
        ours.add(device);
        theirs.add(library);
    }

    int sessions() {
        return sessions;
    }

    List<Subject.Round> ours() {
        return ours;
    }

    List<Subject.Round> theirs() {
        return theirs;
    }

    /** The device's value divided by the library's of the same round. */
    Spread ratio(ToLongFunction<Subject.Round> value) {
        double[] ratios = new double[ours.size()];
        for (int i = 0; i < ratios.length; i++)
            ratios[i] = (double) value.applyAsLong(ours.get(i)) / value.applyAsLong(theirs.get(i));
        return Spread.of(ratios);
    }

    /** Milliseconds for a picture. */
    Spread millis(List<Subject.Round> rounds, ToLongFunction<Subject.Round> value) {
        return Spread.of(rounds.stream()
                .mapToDouble(round -> value.applyAsLong(round) / 1e6 / pictures / sessions).toArray());
    }
}
