package sluice.dmacore.allocation;

import java.util.List;
import java.util.stream.Collectors;

import sluice.dmacore.buffer.Verdict;

/**
 * One try of an {@link Allocation}: what each device said of the memory of one exporter.
 *
 * @param exporter its name
 * @param of the function that offered it
 * @param answers in the order of the candidates; empty if the exporter gave nothing
 * @param failure why it gave nothing, or why a device that fits could not have it; empty if all went well
 */
public record Attempt(String exporter, String of, List<Answer> answers, String failure) {
    /** What the memory is to one function. */
    public record Answer(String function, Verdict verdict) {
        @Override
        public String toString() {
            return function + ": " + verdict;
        }
    }

    public Attempt {
        answers = List.copyOf(answers);
    }

    /** Whether all could have it. */
    public boolean suitsAll() {
        return failure.isEmpty() && answers.stream().allMatch(answer -> answer.verdict().fits());
    }

    @Override
    public String toString() {
        String said = answers.stream().map(Answer::toString).collect(Collectors.joining(", "));
        String both = failure.isEmpty() || said.isEmpty() ? said + failure : said + "; " + failure;
        return "memory of %s, by %s: %s".formatted(of, exporter, both);
    }
}
