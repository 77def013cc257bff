package sluice.dmacore.memory;

import java.util.EnumSet;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.AskedFront.Question;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** A front-end that says anything, and a driver that gives any address: what is kept for them stays small. */
class IotlbHostileTest {
    private static final long SEED = 20261121;
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int CAPACITY = 16_384;

    private final AskedFront front;
    private final Random random = new Random(SEED);

    IotlbHostileTest() throws Exception {
        front = new AskedFront();
    }

    @AfterEach
    void close() {
        front.close();
    }

    @Test
    void entriesWithoutAQuestionAreNotKept() throws Exception {
        for (long i = 0; i < 100_000; i++) front.update(i * PAGE, PAGE, 0);
        assertThat(front.iotlb.cache().size()).isZero();
        assertThat(front.statistics.unasked()).isEqualTo(100_000);
    }

    /** Refusals that are never retried: at most the window's size of them is kept. */
    @Test
    void refusalsWithoutEndAreForgotten() {
        for (int round = 0; round < 1000; round++) {
            assertThat(front.resolve(round * 64L * PAGE, 64 * PAGE, Access.READ)).isEqualTo(Outcome.MISS);
            while (!front.open.isEmpty())
                front.refuse();
        }
        assertThat(front.statistics.refused()).isEqualTo(64_000);
        long last = 999 * 64L;
        for (long page = 0; page < last; page++)
            assertThat(front.resolve(page * PAGE, 1, Access.READ)).isEqualTo(Outcome.MISS);
        front.faults(last * PAGE, 1, Access.READ, last * PAGE);
    }

    @Test
    void morePagesThanTheCacheHoldsMakeRoom() throws Exception {
        for (long page = 0; page < 2 * CAPACITY; page++) {
            front.resolve(page * 3 * PAGE, 1, Access.READ);
            front.answer(0);
        }
        assertThat(front.iotlb.cache().size()).isEqualTo(CAPACITY);
        front.finds((2 * CAPACITY - 1) * 3L * PAGE, 1, Access.READ, 0);
        front.misses(0, 1, Access.READ, 0);
    }

    @Test
    void randomMessagesWithoutEnd() {
        Set<Outcome> seen = EnumSet.noneOf(Outcome.class);
        int refusedEntries = 0;
        for (int step = 0; step < 200_000; step++) {
            switch (random.nextInt(8)) {
                case 0, 1 -> {
                    try {
                        front.iotlb.update(address(), length(), random.nextInt(4) == 0
                                ? random.nextLong()
                                : AskedFront.USER + random.nextInt(AskedFront.PAGES) * PAGE,
                                Permission.of(1 + random.nextInt(3)));
                    } catch (MapException e) {
                        assertThat(e).hasMessageContaining("an entry of");
                        refusedEntries++;
                    }
                }
                case 2 -> front.iotlb.answered(address() & -PAGE, access(), random.nextBoolean());
                case 3, 4 -> answerOldest();
                case 5 -> invalidate();
                default -> seen.add(front.resolve(address(), random.nextInt(1 << 16), access()));
            }
            if (step % 1024 == 0) {
                assertThat(front.iotlb.cache().size()).isLessThanOrEqualTo(CAPACITY);
                if (random.nextInt(32) == 0) front.iotlb.clear();
                // What was cleared or answered behind our back is still in our list: the oldest may go.
                while (front.open.size() > 4096)
                    front.open.removeFirst();
            }
        }
        assertThat(seen).as("seed %d", SEED).containsExactlyInAnyOrder(Outcome.RESOLVED, Outcome.MISS, Outcome.FAULT);
        assertThat(refusedEntries).isPositive();
        assertThat(front.iotlb.faults().total()).isPositive();
    }

    private void answerOldest() {
        Question question = front.open.pollFirst();
        if (question == null) return;
        boolean known = random.nextInt(4) > 0;
        try {
            if (known) front.update(question.page(), PAGE, random.nextInt(AskedFront.PAGES) * PAGE);
        } catch (MapException e) {
            // The driver's address was beyond what the cache has; the answer is no.
            known = false;
        }
        front.iotlb.answered(question.page(), question.access(), known);
    }

    private void invalidate() {
        long one = address();
        long other = random.nextInt(4) == 0 ? address() : one + random.nextInt(1 << 16);
        front.iotlb.invalidate(Long.compareUnsigned(one, other) <= 0
                ? new AddressRange(one, other)
                : new AddressRange(other, one));
    }

    private Access access() {
        return random.nextInt(3) == 0 ? Access.WRITE : Access.READ;
    }

    /** Mostly among a few pages, so that messages meet; sometimes at the edges of what there is. */
    private long address() {
        return switch (random.nextInt(12)) {
            case 0 -> random.nextLong();
            case 1 -> (1L << 57) - random.nextInt(1 << 14);
            case 2 -> -(long) random.nextInt(1 << 14);
            case 3 -> (1L << 63) - random.nextInt(1 << 14);
            default -> random.nextInt(256) * PAGE + (random.nextInt(3) == 0 ? random.nextInt(4096) : 0);
        };
    }

    private long length() {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextLong();
            case 1 -> 0;
            case 2 -> 2 << 20;
            default -> (1 + random.nextInt(4)) * PAGE;
        };
    }
}
