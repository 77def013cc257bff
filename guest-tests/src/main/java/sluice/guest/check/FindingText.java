package sluice.guest.check;

import java.util.Arrays;
import java.util.Optional;

import sluice.dmacore.finding.Rule;

/**
 * The text of a finding.
 *
 * @param rule its name
 * @param says description of the rule; empty for an unknown rule
 * @param source source of the rule; empty for an unknown rule
 * @param severity {@code error} or {@code hint}
 * @param range of the buffer in bytes; empty without a range
 * @param times number of occurrences, as {@code once} or {@code 3 times}
 */
record FindingText(String rule, String says, String source, String severity, String range, String times) {
    static FindingText of(Finding finding) {
        Optional<Rule> rule = Arrays.stream(Rule.values()).filter(one -> one.name().equals(finding.rule())).findFirst();
        String range = finding.length() <= 0
                ? ""
                : "0x%x to 0x%x (%s)".formatted(finding.from(), finding.from() + finding.length() - 1,
                        counted(finding.length(), "byte"));
        return new FindingText(finding.rule(), rule.map(Rule::says).orElse(""), rule.map(Rule::source).orElse(""),
                finding.error() ? "error" : "hint", range,
                finding.times() == 1 ? "once" : counted(finding.times(), "time"));
    }

    /** As {@code 1 byte}, {@code 2 bytes}. */
    static String counted(long count, String noun) {
        return "%d %s%s".formatted(count, noun, count == 1 ? "" : "s");
    }
}
