package sluice.guest.bench;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * One back-end of ours beside the peer, in one workload.
 *
 * @param ours what ours gave
 * @param peer what the peer gave; null if there is none
 * @param ratio ours to the peer's, of the rounds that ran one after the other
 * @param bar what the median ratio has to reach; null if nothing is asked
 * @param limit how much longer than the limit beside it a frame of ours took; null if there is none
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

    /** Whether the bar against the limit is met; null if there is none. */
    @Nullable
    Boolean meetsLimit() {
        return limit == null ? null : limit.median() <= Workload.LIMIT_BAR;
    }
}
