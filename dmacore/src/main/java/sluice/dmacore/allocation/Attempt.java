package sluice.dmacore.allocation;

import java.util.List;
import java.util.stream.Collectors;

import sluice.dmacore.buffer.Verdict;

/**
 * One attempt of an {@link Allocation}: each device's verdict on the memory of one exporter.
 *
 * @param exporter its name
 * @param of the function that offered it
 * @param answers in the order of the candidates; empty if the exporter failed
 * @param failure why the exporter failed, or why a suitable device could not attach; empty on success
 */
public record Attempt(String exporter, String of, List<Answer> answers, String failure) {
    /** The verdict of one function. */
    public record Answer(String function, Verdict verdict) {
        @Override
        public String toString() {
            return function + ": " + verdict;
        }
    }

    public Attempt {
        answers = List.copyOf(answers);
    }

    /** Whether it suits all. */
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
