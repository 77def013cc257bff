package sluice.dmacore.laws;

import java.util.BitSet;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * What came of a program.
 *
 * @param wrong what readers have seen that it is not
 * @param told all occurrences of findings
 * @param refusals steps that were refused
 * @param thrown what no call should throw, or null
 */
record Outcome(List<WrongRead> wrong, List<Told> told, List<Refusal> refusals, @Nullable Throwable thrown) {
    /** A call that was refused, or an access of a device that was. */
    record Refusal(int step, String why) {}

    /** Who reads. */
    enum Reader {
        SNOOPING_DEVICE,
        DEVICE,
        BOUNCED_DEVICE,
        TOLD_CPU,
        UNTOLD_CPU,
        /** Untold, but for a call that shows it: see {@link WrongParts}. */
        CPU_AFTER_WRONG_PART,
        /** The CPU, when nothing is mapped any more. */
        AT_THE_END
    }

    /**
     * A reader has seen something else than the ideal memory has.
     *
     * @param step the number of the step, or that of steps at the end
     * @param who attachment, or -1
     * @param stored the number of the step that has stored what is due, or -1 if it was there from the beginning
     */
    record WrongRead(Reader reader, int step, int who, int at, byte saw, byte due, int stored) {
        int line() {
            return at / Setting.LINE;
        }
    }

    /**
     * A finding.
     *
     * @param lines of memory it is about
     */
    record Told(Rule rule, int step, String device, String buffer, long from, long length, BitSet lines) {
        boolean isAbout(int line) {
            return lines.get(line);
        }

        @Override
        public String toString() {
            return "%s at step %d: %s %s [%d, %d]".formatted(rule, step, device, buffer, from, from + length - 1);
        }
    }
}
