package sluice.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The results of the tests inside a guest, as printed on its console in the lines of {@code
 * sluice.dmacore.inside.ResultLines} prints.
 *
 * @param results one for each test, in the guest's order
 * @param told how many tests the guest says it told of, in all runs; -1 if none came to its end
 */
record GuestResults(List<Result> results, int told) {
    private static final Pattern TEST = Pattern.compile("^SLUICE test (passed|failed|skipped) (\\d+) (.+)$");
    private static final Pattern REASON = Pattern.compile("^SLUICE reason (.*)$");
    private static final Pattern END = Pattern.compile("^SLUICE tests (\\d+)$");

    /**
     * One test of the guest.
     *
     * @param test its class, method and parameters
     * @param state passed, failed or skipped
     * @param millis how long it took in the guest
     * @param reason what it has thrown, or why it was skipped; may be empty
     */
    record Result(String test, String state, int millis, String reason) {
        /** Nothing may be skipped in a guest: it was made for these tests. */
        void assertPassed() {
            assertThat(state).as("%s, in the guest after %d ms:\n%s\n", test, millis, reason).isEqualTo("passed");
        }
    }

    static GuestResults of(List<String> lines) {
        List<Result> results = new ArrayList<>();
        StringBuilder reason = new StringBuilder();
        int told = -1;
        for (String line : lines) {
            Matcher thrown = REASON.matcher(line);
            Matcher test = TEST.matcher(line);
            Matcher end = END.matcher(line);
            if (thrown.matches()) {
                reason.append(thrown.group(1)).append('\n');
            } else if (test.matches()) {
                results.add(new Result(test.group(3), test.group(1), Integer.parseInt(test.group(2)),
                        reason.toString()));
                reason.setLength(0);
            } else if (end.matches()) {
                told = Math.max(told, 0) + Integer.parseInt(end.group(1));
            }
        }
        return new GuestResults(List.copyOf(results), told);
    }

    /** No line was lost on the way, and there was something to tell. */
    void assertComplete() {
        assertThat(results).as("tests told of").hasSize(told).isNotEmpty();
    }
}
