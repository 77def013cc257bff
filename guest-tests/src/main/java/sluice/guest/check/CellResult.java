package sluice.guest.check;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The result of a cell.
 *
 * @param cell which
 * @param reason why it did not pass, as a sentence; empty if it passed
 * @param bytes the bytes seen by user space; null if there were none
 * @param findings findings of the core meanwhile
 * @param console console output meanwhile
 * @param time duration of the cell
 * @param timeline what led to a failure
 */
record CellResult(Cell cell, Outcome outcome, String reason, @Nullable Bytes bytes, List<Finding> findings,
        List<String> console, Duration time, Timeline timeline) {
    /** Without a timeline. */
    CellResult(Cell cell, Outcome outcome, String reason, @Nullable Bytes bytes, List<Finding> findings,
            List<String> console, Duration time) {
        this(cell, outcome, reason, bytes, findings, console, time, Timeline.NONE);
    }

    /**
     * The same with the faults that were injected: what has failed where nothing else is known to be its cause, has failed because of
     * them.
     *
     * @param here those that have happened in this cell
     * @param before those that have happened in earlier cells of the machine
     */
    CellResult with(List<String> here, List<String> before) {
        if (outcome != Outcome.FAIL || reason.startsWith(KnownFaults.KNOWN) || (here.isEmpty() && before.isEmpty()))
            return this;
        String why = here.isEmpty()
                ? "%s; in an earlier cell of this machine %s, which may be why".formatted(reason,
                        String.join(" and ", before))
                : "injected: %s, which explains that %s".formatted(String.join(" and ", here),
                        reason.replace("; " + Judge.UNEXPLAINED, ""));
        return because(why);
    }

    /** The same for another reason. */
    CellResult because(String why) {
        return new CellResult(cell, outcome, why, bytes, findings, console, time, timeline);
    }

    /** The same with what the kernel's trace tells: its hints, and of a failure its latest calls. */
    CellResult with(TracePort.Traced traced) {
        if (traced.moments().isEmpty() && traced.hints().isEmpty()) return this;
        List<Finding> all = new ArrayList<>(findings);
        all.addAll(traced.hints());
        boolean shown = outcome == Outcome.FAIL || outcome == Outcome.INCONCLUSIVE;
        return new CellResult(cell, outcome, reason, bytes, List.copyOf(all), console, time,
                shown
                        ? Timeline.around(traced.moments(), traced.unknown(),
                                traced.hints().stream().map(Finding::rule).toList())
                        : timeline);
    }

    /** The same with what the machine knows of a failure: its timeline, and who mapped the buffers of its findings. */
    CellResult with(List<Moment> moments, long unknown) {
        if (outcome != Outcome.FAIL && outcome != Outcome.INCONCLUSIVE) return this;
        List<Finding> mapped = findings.stream().map(finding -> {
            List<String> by = Timeline.mappedBy(moments, finding.device(), finding.buffer());
            return by == null ? finding : finding.mappedBy(by);
        }).toList();
        return new CellResult(cell, outcome, reason, bytes, mapped, console, time,
                Timeline.around(moments, unknown, findings.stream().map(Finding::rule).toList()));
    }
}
