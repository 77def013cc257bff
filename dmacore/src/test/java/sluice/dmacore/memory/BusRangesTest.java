package sluice.dmacore.memory;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** Lists of bus ranges that take many steps. */
class BusRangesTest {
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int CAPACITY = 16_384;

    private final AskedFront front;
    private final BusRanges ranges = new BusRanges();

    BusRangesTest() throws Exception {
        front = new AskedFront();
    }

    @AfterEach
    void close() {
        front.close();
    }

    private Outcome advance() {
        return ranges.advance(front.iotlb, Access.READ, front.result);
    }

    /** Pages of the list, each a range of its own; page n is bus page 2n, so that no two are neighbours. */
    private static long[] singlePages(int count) {
        long[] list = new long[2 * count];
        for (int i = 0; i < count; i++) {
            list[2 * i] = 2L * i * PAGE;
            list[2 * i + 1] = PAGE;
        }
        return list;
    }

    private static BusList pages(int count) {
        return BusList.of(singlePages(count));
    }

    /** Answers so that page n of the list leads to page n of the file. */
    private void answerAll() throws Exception {
        while (!front.open.isEmpty())
            front.answer(front.open.getFirst().page() / 2);
    }

    /** How many rounds of answers it took. */
    private int finish() throws Exception {
        int rounds = 0;
        while (true) {
            Outcome outcome = advance();
            if (outcome == Outcome.RESOLVED) return rounds;
            assertThat(outcome).isEqualTo(Outcome.MISS);
            assertThat(front.open).as("a miss has asked for something").isNotEmpty();
            answerAll();
            rounds++;
        }
    }

    @Test
    void rangesThatAreNotPagesComeOutInOrder() throws Exception {
        ranges.begin(BusList.of(2 * PAGE - 10, 20, 7 * PAGE + 3, 0, 5 * PAGE, PAGE + 1, 0, 1));
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(front.openPages()).as("one question each, over all ranges").containsExactly(1L, 2L, 5L, 6L, 0L);
        front.answerAll(10);
        assertThat(advance()).isEqualTo(Outcome.RESOLVED);
        Runs runs = ranges.runs();
        assertThat(runs.bytes()).isEqualTo(20 + PAGE + 1 + 1);
        List<List<Long>> found = new ArrayList<>();
        for (int i = 0; i < runs.count(); i++) found.add(List.of(runs.offset(i), runs.length(i)));
        assertThat(found).containsExactly(List.of(12 * PAGE - 10, 20L), List.of(15 * PAGE, PAGE + 1),
                List.of(10 * PAGE, 1L));
        assertThat(advance()).as("once more").isEqualTo(Outcome.RESOLVED);
        assertThat(runs.bytes()).isEqualTo(20 + PAGE + 1 + 1);
    }

    @Test
    void onlyTheLower32BitsOfALengthCount() throws Exception {
        ranges.begin(BusList.of(0, 0xdead_beef_0000_0000L + PAGE));
        assertThat(finish()).isEqualTo(1);
        assertThat(ranges.runs().bytes()).isEqualTo(PAGE);
    }

    @Test
    void manySmallRangesAreAskedForTogether() throws Exception {
        ranges.begin(pages(100));
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(front.open).hasSize(Iotlb.WINDOW);
        assertThat(ranges.runs().bytes()).as("looking ahead keeps nothing").isZero();
        answerAll();
        assertThat(finish()).isEqualTo(1);
        assertThat(front.statistics.misses()).isEqualTo(100);
    }

    @Test
    void whatWasFoundIsKeptFromStepToStep() throws Exception {
        ranges.begin(BusList.of(0, 200 * PAGE));
        long before = 0;
        for (int step = 0; step < 3; step++) {
            assertThat(advance()).isEqualTo(Outcome.MISS);
            assertThat(ranges.runs().bytes()).isEqualTo(before);
            front.answerAll(0);
            before += Iotlb.WINDOW * PAGE;
        }
        // The cache evicts the first entry without an invalidation: its runs stay valid.
        assertThat(advance()).isEqualTo(Outcome.MISS);
        front.answerAll(0);
        assertThat(advance()).isEqualTo(Outcome.RESOLVED);
        assertThat(ranges.runs().count()).isEqualTo(1);
        assertThat(ranges.runs().bytes()).isEqualTo(200 * PAGE);
        assertThat(front.statistics.misses()).isEqualTo(200);
    }

    @Test
    void beginsAnewWhenAnythingWasTakenBack() throws Exception {
        ranges.begin(pages(100));
        advance();
        answerAll();
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(ranges.runs().bytes()).isEqualTo(Iotlb.WINDOW * PAGE);
        front.invalidate(0, PAGE - 1);
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(ranges.runs().bytes()).as("page 0 is the first of the list").isZero();
        assertThat(front.openPages()).contains(0L);
        finish();
        assertThat(ranges.runs().bytes()).isEqualTo(100 * PAGE);
        assertThat(front.statistics.misses()).as("only page 0 is asked for twice").isEqualTo(101);
    }

    @Test
    void beginsAnewWithAnotherCacheAndAnotherTable() throws Exception {
        ranges.begin(pages(2));
        advance();
        front.answer(0);
        advance();
        assertThat(ranges.runs().bytes()).isEqualTo(PAGE);
        assertThat(ranges.advance(front.newIotlb(), Access.READ, front.result)).isEqualTo(Outcome.MISS);
        assertThat(ranges.runs().bytes()).as("the new cache knows nothing").isZero();
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(ranges.runs().bytes()).isEqualTo(PAGE);
        front.adoptMemory();
        assertThat(advance()).isEqualTo(Outcome.MISS);
        assertThat(ranges.runs().bytes()).as("found again, once").isEqualTo(PAGE);
    }

    @Test
    void aListLargerThanTheCacheEnds() throws Exception {
        int pages = CAPACITY + 4000;
        ranges.begin(pages(pages));
        int rounds = finish();
        assertThat(front.iotlb.cache().size()).isEqualTo(CAPACITY);
        assertThat(front.statistics.misses()).as("no page is asked for twice").isEqualTo(pages);
        assertThat(rounds).isEqualTo((pages + Iotlb.WINDOW - 1) / Iotlb.WINDOW);
        assertThat(ranges.runs().count()).as("the file's pages in order make one run").isEqualTo(1);
        assertThat(ranges.runs().bytes()).isEqualTo(pages * PAGE);
    }

    @Test
    void aRefusedPageInTheMiddleFaults() throws Exception {
        ranges.begin(pages(30));
        advance();
        for (int i = 0; i < 17; i++) front.answer(i * PAGE);
        front.refuse();
        assertThat(advance()).isEqualTo(Outcome.FAULT);
        assertThat(front.result.address()).isEqualTo(2 * 17 * PAGE);
        assertThat(front.iotlb.faults().count(FaultReason.FRONT_MISS_REFUSED)).isEqualTo(1);
        ranges.end();
        assertThat(ranges.runs().bytes()).isZero();
        assertThat(advance()).as("an empty list").isEqualTo(Outcome.RESOLVED);
    }

    @Test
    void aRefusedPageFaultsBeforeAllOthersAreKnown() throws Exception {
        ranges.begin(pages(3));
        advance();
        front.iotlb.answered(2 * PAGE, Access.READ, false);
        assertThat(advance()).as("page 0 is still missing").isEqualTo(Outcome.FAULT);
        assertThat(front.result.address()).isEqualTo(2 * PAGE);
    }

    @Test
    void aRangeThatLeadsOutOfTheTableFaultsAndIsNotCounted() throws Exception {
        ranges.begin(BusList.of(0, 2 * PAGE));
        advance();
        front.answer(0);
        front.answer(AskedFront.PAGES * PAGE);
        for (int i = 0; i < 2; i++) {
            assertThat(advance()).isEqualTo(Outcome.FAULT);
            assertThat(ranges.runs().bytes()).isZero();
        }
    }

    @Test
    void withoutAnIommuItIsDoneInOneStep() {
        var identity = new IdentityTranslation(front.view, GuestMemory.Addressing.GUEST);
        long[] list = singlePages(CAPACITY / 4);
        ranges.begin(BusList.of(list));
        assertThat(ranges.advance(identity, Access.READ, front.result)).isEqualTo(Outcome.RESOLVED);
        assertThat(ranges.advance(identity, Access.READ, front.result)).isEqualTo(Outcome.RESOLVED);
        assertThat(ranges.runs().bytes()).isEqualTo(CAPACITY / 4 * PAGE);
        long[] bad = Arrays.copyOf(list, list.length);
        bad[20] = 1L << 60;
        ranges.begin(BusList.of(bad));
        assertThat(ranges.advance(identity, Access.READ, front.result)).isEqualTo(Outcome.FAULT);
        assertThat(ranges.runs().bytes()).isZero();
    }
}
