package sluice.guest.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * Whether a process that does the same for long holds the same: the median of the last quarter of its samples against that of the second
 * quarter. The first quarter is its start: what is compiled, cached and pooled.
 */
record Flatness(Resident early, Resident late) {
    /** Fewest samples that have a verdict. */
    static final int LEAST = 8;
    /** Growth of resident memory that is no leak, of what it was; garbage is collected when it pays. */
    private static final double GROWTH = 1.1;

    /** @throws IllegalArgumentException fewer than {@value #LEAST} samples */
    static Flatness of(List<Resident> samples) {
        if (samples.size() < LEAST)
            throw new IllegalArgumentException(
                    "%d samples, and %d are needed for a verdict".formatted(samples.size(), LEAST));
        int quarter = samples.size() / 4;
        return new Flatness(median(samples.subList(quarter, 2 * quarter)),
                median(samples.subList(samples.size() - quarter, samples.size())));
    }

    private static Resident median(List<Resident> samples) {
        return new Resident(median(samples, Resident::residentKib),
                Math.toIntExact(median(samples, Resident::descriptors)),
                Math.toIntExact(median(samples, Resident::threads)));
    }

    private static long median(List<Resident> samples, ToLongFunction<Resident> of) {
        return samples.stream().mapToLong(of).sorted().skip(samples.size() / 2).findFirst().orElseThrow();
    }

    /** What has grown, a sentence each; empty if it is flat. */
    List<String> growth() {
        List<String> grown = new ArrayList<>();
        if (late.residentKib() > early.residentKib() * GROWTH)
            grown.add("resident memory grew from %d to %d KiB, by more than a tenth"
                    .formatted(early.residentKib(), late.residentKib()));
        if (late.descriptors() > early.descriptors())
            grown.add("open descriptors grew from %d to %d".formatted(early.descriptors(), late.descriptors()));
        if (late.threads() > early.threads())
            grown.add("threads grew from %d to %d".formatted(early.threads(), late.threads()));
        return grown;
    }
}
