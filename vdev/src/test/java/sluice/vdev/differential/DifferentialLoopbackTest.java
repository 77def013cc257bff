package sluice.vdev.differential;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random guests in front of our GPU and of QEMU's {@code vhost-user-gpu}: both answer and show the same, but for the
 * differences in {@link Accepted}, each of which occurs. A failure names the seed and a short stream that shows it.
 */
class DifferentialLoopbackTest {
    private static final int COMMANDS = 2500;
    private static final long[] SEEDS = { 1, 2, 3, 20_261_121 };
    private static final int MANY_SEEDS = 200;
    private static final Duration MINIMIZE = Duration.ofSeconds(60);
    /** Where the failure is an answer that does not come, each try to shorten the stream waits for it. */
    private static final Duration IMPATIENT = Duration.ofSeconds(1);

    @BeforeEach
    void findPeer() throws IOException {
        PeerProgram.assumeUsable();
    }

    @Test
    void bothAnswerAndShowTheSame() throws IOException {
        Tally all = compare(SEEDS);
        System.out.println(all.report());
        assertThat(all.share()).as("the part of commands that is carried out").isBetween(0.6, 0.75);
        assertThat(all.pixels()).as("pixels compared").isGreaterThan(1_000_000);
        assertThat(all.missing()).as("accepted differences that do not occur any more").isEmpty();
    }

    @Test
    @Tag("long")
    void bothAnswerAndShowTheSameForLong() throws IOException {
        System.out.println(compare(LongStream.range(1000, 1000 + MANY_SEEDS).toArray()).report());
    }

    private static Tally compare(long... seeds) throws IOException {
        Tally all = new Tally();
        for (long seed : seeds) {
            all.add(stream(seed));
        }
        return all;
    }

    /** One stream; half of them run with EVENT_IDX. */
    private static Tally stream(long seed) throws IOException {
        boolean eventIndex = seed % 2 == 0;
        Tally tally = new Tally();
        List<Step> steps = new ArrayList<>();
        Mismatch found = null;
        try (Pair pair = new Pair(eventIndex, Deadline.USUAL)) {
            List<Buffer> pool = pair.pool();
            Comparison comparison = new Comparison(pair, tally);
            Guest guest = new Guest(seed, comparison.world(), pool);
            while (tally.commands() < COMMANDS && found == null) {
                List<Step> next = guest.next();
                steps.addAll(next);
                try {
                    comparison.run(next);
                } catch (Mismatch mismatch) {
                    found = mismatch;
                }
            }
        } catch (AssertionError atTheEnd) {
            if (found == null) {
                throw atTheEnd;
            }
            found.addSuppressed(atTheEnd);
        }
        if (found != null) {
            throw failure(seed, eventIndex, steps, found);
        }
        return tally;
    }

    private static AssertionError failure(long seed, boolean eventIndex, List<Step> steps, Mismatch found) {
        List<Step> few = Minimizer.minimize(steps, part -> failsAlike(part, eventIndex, found.kind()), MINIMIZE);
        StringBuilder text = new StringBuilder("seed %d, %s EVENT_IDX: %s%n%d of its %d steps show it:%n"
                .formatted(seed, eventIndex ? "with" : "without", found.getMessage(), few.size(), steps.size()));
        few.forEach(step -> text.append("  ").append(step).append('\n'));
        return new AssertionError(text.toString(), found);
    }

    private static boolean failsAlike(List<Step> steps, boolean eventIndex, String kind) {
        try (Pair pair = new Pair(eventIndex, IMPATIENT)) {
            new Comparison(pair, new Tally()).run(steps);
            return false;
        } catch (Mismatch mismatch) {
            return mismatch.kind().equals(kind);
        } catch (IOException | AssertionError other) {
            return false;
        }
    }
}
