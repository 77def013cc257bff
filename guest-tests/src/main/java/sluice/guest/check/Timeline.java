package sluice.guest.check;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * What led to a failure: events around the first ones that broke a rule, and the calls that mapped their buffers.
 *
 * @param lines in order
 */
record Timeline(List<Line> lines) {
    /** Without events. */
    static final Timeline NONE = new Timeline(List.of());

    /** Events before one that broke a rule, and after it. */
    private static final int BEFORE = 10;
    private static final int AFTER = 4;
    /** Violations with events around them: the first of each rule, and then the first of all. */
    private static final int MOST_VIOLATIONS = 3;

    /** An event, or a gap. */
    sealed interface Line {}

    /** An event; {@code broke} is whether it broke a rule that was found. */
    record Event(Moment moment, boolean broke) implements Line {}

    /** Events that are not shown. */
    record Gap(long count) implements Line {}

    /**
     * Selects events of a cell.
     *
     * @param moments of the cell, in order, as far as the machine still knows them
     * @param unknown events of the cell that it does not know any more, before these
     * @param rules that were found; without any of them the last events are shown
     */
    static Timeline around(List<Moment> moments, long unknown, Collection<String> rules) {
        List<Integer> broke = new ArrayList<>();
        for (int i = 0; i < moments.size(); i++) {
            if (rules.contains(moments.get(i).rule())) broke.add(i);
        }
        BitSet shown = new BitSet();
        for (int at : first(moments, broke)) {
            shown.set(Math.max(0, at - BEFORE), Math.min(moments.size(), at + AFTER + 1));
            int map = mapping(moments, at);
            if (map >= 0) shown.set(map);
        }
        if (broke.isEmpty())
            shown.set(Math.max(0, moments.size() - BEFORE - AFTER - 1), moments.size());
        return lines(moments, unknown, shown, new HashSet<>(broke));
    }

    private static Set<Integer> first(List<Moment> moments, List<Integer> broke) {
        Set<Integer> chosen = new HashSet<>();
        Set<String> seen = new HashSet<>();
        for (int at : broke) {
            if (chosen.size() < MOST_VIOLATIONS && seen.add(moments.get(at).rule())) chosen.add(at);
        }
        for (int at : broke) {
            if (chosen.size() < MOST_VIOLATIONS) chosen.add(at);
        }
        return chosen;
    }

    /** The latest call that mapped an event's buffer, or −1. */
    private static int mapping(List<Moment> moments, int at) {
        for (int i = at; i >= 0; i--) {
            if (moments.get(i).maps(moments.get(at).device(), moments.get(at).buffer())) return i;
        }
        return -1;
    }

    private static Timeline lines(List<Moment> moments, long unknown, BitSet shown, Set<Integer> broke) {
        List<Line> lines = new ArrayList<>();
        long gap = unknown;
        for (int i = 0; i < moments.size(); i++) {
            if (!shown.get(i)) {
                gap++;
                continue;
            }
            if (gap > 0) lines.add(new Gap(gap));
            gap = 0;
            lines.add(new Event(moments.get(i), broke.contains(i)));
        }
        if (gap > 0) lines.add(new Gap(gap));
        return new Timeline(List.copyOf(lines));
    }

    /** The functions that led to the call which made a mapping, innermost first; null if it is not among the events. */
    static @Nullable List<String> mappedBy(List<Moment> moments, String device, String buffer) {
        for (Moment moment : moments.reversed()) {
            if (moment.maps(device, buffer)) return moment.chain();
        }
        return null;
    }

    /**
     * The functions that led to the latest call for a finding's buffer before the event that it is about, innermost first; empty if that is
     * not among the events.
     */
    List<String> before(Finding finding) {
        List<String> chain = List.of();
        for (Line line : lines) {
            if (!(line instanceof Event(Moment moment, boolean broke)) || !moment.device().equals(finding.device())
                    || !moment.buffer().equals(finding.buffer()))
                continue;
            if (broke && moment.rule().equals(finding.rule())) return chain;
            if (moment.isCall()) chain = moment.chain();
        }
        return List.of();
    }
}
