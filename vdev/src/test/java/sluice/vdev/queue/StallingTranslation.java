package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * A translation that is a cache: the n-th address it is asked for is missing once, and there when it is asked again.
 * Rings and buffers share the count.
 */
final class StallingTranslation {
    /** A requested translation. */
    record Question(long address, long length, Access access) {
        /** Where such a cache misses: anywhere in the range, not just at its beginning. */
        long missing() {
            return address + (length - 1) / 2;
        }
    }

    final List<Question> questions = new ArrayList<>();
    private final int stallAt;
    private long generation = 1;

    /** @param stallAt which question is not answered, from 0 on; -1 for none */
    StallingTranslation(int stallAt) {
        this.stallAt = stallAt;
    }

    /** Invalidates everything resolved so far. */
    void invalidate() {
        generation++;
    }

    boolean hasStalled() {
        return stallAt >= 0 && questions.size() > stallAt;
    }

    Question stalledAt() {
        return questions.get(stallAt);
    }

    FrontTranslation over(FrontTranslation known) {
        return new FrontTranslation() {
            @Override
            public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
                Question question = new Question(address, length, access);
                questions.add(question);
                if (questions.size() - 1 == stallAt) {
                    return result.missed(question.missing(), access);
                }
                return known.resolve(address, length, access, target, result);
            }

            @Override
            public long generation() {
                return generation;
            }

            @Override
            public GuestMemory memory() {
                return known.memory();
            }
        };
    }
}
