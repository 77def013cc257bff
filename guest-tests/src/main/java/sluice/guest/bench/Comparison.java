package sluice.guest.bench;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A comparison of one of our back-ends with the peer, for one workload.
 *
 * @param ours our result
 * @param peer the peer's result; null without a peer
 * @param ratio ours / peer, of neighbouring rounds
 * @param bar required median ratio; null for none
 * @param limit our frame time divided by its lower bound; null for none
 */
record Comparison(String name, Workload workload, Spread ours, @Nullable Spread peer, @Nullable Spread ratio,
        @Nullable Double bar,
        @Nullable Spread limit) {

    static Comparison of(Subject ours, @Nullable Subject peer, Workload workload, @Nullable Double bar) {
        List<Double> mine = values(ours.rounds(workload));
        List<Double> theirs = peer == null ? List.of() : values(peer.rounds(workload));
        List<Double> limits = values(ours.limits(workload));
        return new Comparison(ours.name(), workload, Spread.of(mine), theirs.isEmpty() ? null : Spread.of(theirs),
                theirs.isEmpty() ? null : Spread.of(quotients(mine, theirs)), bar,
                limits.isEmpty() ? null : Spread.of(quotients(limits, mine)));
    }

    private static List<Double> values(List<Measurement> rounds) {
        return rounds.stream().map(Measurement::value).toList();
    }

    private static List<Double> quotients(List<Double> above, List<Double> below) {
        List<Double> quotients = new ArrayList<>();
        for (int i = 0; i < Math.min(above.size(), below.size()); i++) quotients.add(above.get(i) / below.get(i));
        return quotients;
    }

    /** Whether the bar against the peer is met; null if there is no bar or no peer. */
    @Nullable
    Boolean meetsBar() {
        return (ratio == null || bar == null) ? null : workload.meets(ratio.median(), bar);
    }

    /** Whether our own bar is met; null if there is none. */
    @Nullable
    Boolean meetsOwn() {
        return workload.own == null ? null : workload.meets(ours.median(), workload.own);
    }

    /** Whether the bar against the limit is met; null if there is none. */
    @Nullable
    Boolean meetsLimit() {
        return limit == null ? null : limit.median() <= Workload.LIMIT_BAR;
    }
}
