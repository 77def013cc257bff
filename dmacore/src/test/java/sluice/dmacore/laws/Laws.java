package sluice.dmacore.laws;

import java.util.BitSet;
import java.util.EnumSet;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.laws.Outcome.Reader;
import sluice.dmacore.laws.Outcome.Refusal;
import sluice.dmacore.laws.Outcome.Told;
import sluice.dmacore.laws.Outcome.WrongRead;

/** The two laws. A violation is reported as a sentence; its words up to the colon are the kind of violation. */
enum Laws {
    /**
     * A program that keeps the rules has no finding that is an error, and right bytes everywhere. A call that is refused leaves
     * everything as it was.
     */
    RIGHT_PROGRAM {
        @Override
        @Nullable
        String brokenBy(Program program, Outcome outcome) {
            if (outcome.thrown() != null) return thrown(outcome.thrown());
            BitSet refused = Rules.refused(program);
            for (Refusal refusal : outcome.refusals()) {
                if (!refused.get(refusal.step())) return "refused: " + refusal;
                refused.clear(refusal.step());
            }
            if (!refused.isEmpty()) return "not refused: step " + refused.nextSetBit(0);
            for (WrongRead wrong : outcome.wrong()) {
                // Its own loads have seen all that is defined; what else there is at the end may be anything.
                if (wrong.reader() != Reader.AT_THE_END)
                    return "wrong bytes %s: %s".formatted(wrong.reader(), wrong);
            }
            for (Told told : outcome.told())
                if (told.rule().severity() == Rule.Severity.ERROR && outcome.refusals().stream()
                        .noneMatch(refusal -> refusal.step() == told.step()))
                    return "false finding %s: %s".formatted(told.rule(), told);
            return null;
        }
    },
    /** Wrong bytes at a reader are reported: the line, by a rule about calls. */
    WRONG_BYTES {
        @Override
        @Nullable
        String brokenBy(Program program, Outcome outcome) {
            if (outcome.thrown() != null) return thrown(outcome.thrown());
            for (WrongRead wrong : outcome.wrong()) {
                if (wrong.reader() == Reader.UNTOLD_CPU || isTold(outcome, wrong)) continue;
                boolean elsewhere = outcome.told().stream().anyMatch(told -> ABOUT_CALLS.contains(told.rule()));
                return "silent%s %s: %s".formatted(elsewhere ? " (told of other bytes)" : "", wrong.reader(), wrong);
            }
            return null;
        }
    };

    /** Rules about a call that is missing or wrong; the others are about costs, or about memory that does not suit. */
    private static final Set<Rule> ABOUT_CALLS = EnumSet.complementOf(EnumSet.of(Rule.REDUNDANT_SYNC,
            Rule.D17_OVERLAPPING_WRITES, Rule.SAME_PAGES_TWICE, Rule.MAPPED_AT_IMPORT, Rule.BOUNCED, Rule.HELD_LONG,
            Rule.TOO_MANY_ATOMIC_WINDOWS,
            Rule.D18_TOO_MANY_OVERLAPS, Rule.FENCE_LATE, Rule.FENCE_NOT_WAITED));

    /** How a program breaks the law, or null if it keeps it. */
    abstract @Nullable String brokenBy(Program program, Outcome outcome);

    @Nullable
    String brokenBy(Program program, Bench bench) {
        return brokenBy(program, Run.of(program, bench));
    }

    /** The kind of what {@link #brokenBy} has said. */
    static String kind(String said) {
        return said.substring(0, said.indexOf(':'));
    }

    /** Whether there is a finding about the line, made when the bytes that are missing were stored or later. */
    private static boolean isTold(Outcome outcome, WrongRead wrong) {
        for (Told told : outcome.told()) {
            if (told.step() >= wrong.stored() && told.isAbout(wrong.line()) && ABOUT_CALLS.contains(told.rule()))
                return true;
        }
        return false;
    }

    private static String thrown(Throwable thrown) {
        return "thrown " + thrown.getClass().getSimpleName() + ": " + thrown + " at " + thrown.getStackTrace()[0];
    }
}
