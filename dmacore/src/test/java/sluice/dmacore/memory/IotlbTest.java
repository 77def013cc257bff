package sluice.dmacore.memory;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.AskedFront.Question;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What the cache asks, and what it makes of the answers. */
class IotlbTest {
    private static final long PAGE = MemoryRegion.PAGE;
    private static final long MIB2 = 2 << 20;

    private final AskedFront front;

    IotlbTest() throws Exception {
        front = new AskedFront();
    }

    @AfterEach
    void close() {
        front.close();
    }

    @Test
    void aPageIsAskedForOnceAndFoundWhenItWasAnswered() throws Exception {
        for (int i = 0; i < 3; i++) front.misses(5 * PAGE + 16, 32, Access.READ, 5 * PAGE + 16);
        assertThat(front.open).containsExactly(new Question(5 * PAGE, Access.READ));
        assertThat(front.progress).isZero();
        front.answer(9 * PAGE);
        assertThat(front.progress).isEqualTo(1);
        front.finds(5 * PAGE + 16, 32, Access.READ, 9 * PAGE + 16);
        assertThat(front.open).isEmpty();
        assertThat(front.statistics.misses()).isEqualTo(1);
        assertThat(front.statistics.waitedNanos()).isPositive();
        assertThat(front.iotlb.faults().total()).as("a miss is no fault").isZero();
    }

    @Test
    void theEntryHelpsBeforeTheQuestionIsClosed() throws Exception {
        front.misses(0, 8, Access.READ, 0);
        front.update(0, PAGE, 3 * PAGE);
        front.finds(0, 8, Access.READ, 3 * PAGE);
    }

    @Test
    void anEntryAllowsWhatWasAskedAndNotWhatTheAnswerCouldMean() throws Exception {
        front.misses(0, PAGE, Access.WRITE, 0);
        front.answer(PAGE);
        front.finds(0, PAGE, Access.WRITE, PAGE);
        front.misses(0, PAGE, Access.READ, 0);
        assertThat(front.open).containsExactly(new Question(0, Access.READ));
        front.answer(PAGE);
        front.finds(0, PAGE, Access.READ, PAGE);
        front.finds(0, PAGE, Access.WRITE, PAGE);
        assertThat(front.iotlb.cache().size()).as("permissions add up in one entry").isEqualTo(1);
    }

    @Test
    void twoAccessesOfOnePageAreTwoQuestionsAnsweredInOrder() throws Exception {
        front.misses(0, 1, Access.READ, 0);
        front.misses(0, 1, Access.WRITE, 0);
        assertThat(front.open).containsExactly(new Question(0, Access.READ), new Question(0, Access.WRITE));
        front.answer(PAGE);
        front.finds(0, 1, Access.READ, PAGE);
        front.misses(0, 1, Access.WRITE, 0);
        front.refuse();
        front.finds(0, 1, Access.READ, PAGE);
        front.faults(0, 1, Access.WRITE, 0);
    }

    @Test
    void looksAheadWithinTheRangeAsFarAsTheWindowReaches() throws Exception {
        long last = Iotlb.WINDOW + 9;
        front.misses(PAGE / 2, last * PAGE, Access.READ, PAGE / 2);
        assertThat(front.openPages()).hasSize(Iotlb.WINDOW).startsWith(0L, 1L, 2L).doesNotHaveDuplicates()
                .endsWith(Iotlb.WINDOW - 1L);
        assertThat(front.iotlb.wantsMore()).isFalse();
        front.misses(1000 * PAGE, 1, Access.READ, 1000 * PAGE);
        assertThat(front.open).as("a full window takes no more").hasSize(Iotlb.WINDOW);
        for (int left = Iotlb.WINDOW - 1; left > Iotlb.WINDOW / 4; left--) {
            front.answer(front.open.getFirst().page());
            assertThat(front.progress).as("%d under way", left).isZero();
        }
        front.answer(front.open.getFirst().page());
        assertThat(front.progress).as("a quarter of the window is under way").isEqualTo(1);
        long known = Iotlb.WINDOW * 3L / 4;
        front.misses(PAGE / 2, last * PAGE, Access.READ, known * PAGE);
        assertThat(front.openPages()).as("the rest of the range, and no page of it twice").hasSize(26)
                .doesNotHaveDuplicates().startsWith(known).endsWith(last);
        front.answerAll(0);
        front.finds(PAGE / 2, last * PAGE, Access.READ, PAGE / 2);
    }

    @Test
    void looksAheadOverWhatItHolds() throws Exception {
        front.misses(2 * PAGE, 1, Access.READ, 2 * PAGE);
        front.answerAll(0);
        front.misses(0, 5 * PAGE - 1, Access.READ, 0);
        assertThat(front.openPages()).containsExactly(0L, 1L, 3L, 4L);
    }

    @Test
    void asMuchAsIsKnownIsFound() throws Exception {
        front.misses(0, 2 * PAGE, Access.READ, 0);
        front.answerAll(7);
        Runs runs = front.runs;
        assertThat(front.iotlb.resolveKnown(100, 3 * PAGE, Access.READ, runs, front.result)).isEqualTo(2 * PAGE - 100);
        assertThat(front.result.outcome()).isEqualTo(Outcome.MISS);
        assertThat(front.result.address()).isEqualTo(2 * PAGE);
        assertThat(runs.count()).isEqualTo(1);
        assertThat(runs.offset(0)).isEqualTo(7 * PAGE + 100);
        assertThat(runs.bytes()).isEqualTo(2 * PAGE - 100);
    }

    @Test
    void nothingIsResolvedToNothing() {
        assertThat(front.resolve(77, 0, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(front.runs.bytes()).isZero();
        assertThat(front.open).isEmpty();
    }

    @Test
    void aRefusalIsOneFaultAndTheNextAttemptAsksAnew() throws Exception {
        front.misses(0x1234_5000 + 8, 16, Access.READ, 0x1234_5008);
        front.refuse();
        assertThat(front.progress).isEqualTo(1);
        assertThat(front.iotlb.faults().total()).as("nobody has come back for it").isZero();
        front.faults(0x1234_5000 + 8, 16, Access.READ, 0x1234_5008);
        List<FaultRecord> records = front.iotlb.faults().take();
        assertThat(records).hasSize(1);
        FaultRecord record = records.getFirst();
        assertThat(record.reason()).isEqualTo(FaultReason.FRONT_MISS_REFUSED);
        assertThat(record.iova()).isEqualTo(0x1234_5008);
        assertThat(record.length()).isEqualTo(16);
        assertThat(record.access()).isEqualTo(Access.READ);
        front.misses(0x1234_5000 + 8, 16, Access.READ, 0x1234_5008);
        front.answer(0);
        front.finds(0x1234_5000 + 8, 16, Access.READ, 8);
        assertThat(front.statistics.refused()).isEqualTo(1);
        assertThat(front.statistics.misses()).isEqualTo(2);
    }

    @Test
    void aRefusalOfOneAccessIsNoneOfTheOther() throws Exception {
        front.misses(0, 1, Access.READ, 0);
        front.refuse();
        front.misses(0, 1, Access.WRITE, 0);
        front.answer(0);
        front.finds(0, 1, Access.WRITE, 0);
    }

    /** The command failed at its first page; its other pages were requested ahead, and are never retried. */
    @Test
    void aRefusalThatComesAfterItsCommandHasFailedIsForgotten() throws Exception {
        front.misses(0, 3 * PAGE, Access.READ, 0);
        front.refuse();
        front.faults(0, 3 * PAGE, Access.READ, 0);
        front.refuse();
        front.refuse();
        // By now the driver has mapped them, which a front-end does not tell.
        front.misses(PAGE, 2 * PAGE, Access.READ, PAGE);
        front.answerAll(0);
        front.finds(PAGE, 2 * PAGE, Access.READ, PAGE);
        assertThat(front.iotlb.faults().total()).isEqualTo(1);
    }

    @Test
    void entriesOf2MiBAnswerAllQuestionsInThem() throws Exception {
        front.misses(MIB2 + 5 * PAGE, 3 * PAGE, Access.READ, MIB2 + 5 * PAGE);
        assertThat(front.open).hasSize(3);
        while (!front.open.isEmpty()) {
            Question question = front.open.removeFirst();
            front.update(MIB2, MIB2, 4 * MIB2);
            front.iotlb.answered(question.page(), question.access(), true);
        }
        assertThat(front.iotlb.cache().size()).isEqualTo(1);
        front.finds(MIB2, MIB2, Access.READ, 4 * MIB2);
        front.finds(2 * MIB2 - 3, 3, Access.READ, 5 * MIB2 - 3);
        front.misses(MIB2 - 1, 2, Access.READ, MIB2 - 1);
        front.misses(2 * MIB2, 1, Access.READ, 2 * MIB2);
    }

    @Test
    void whatNobodyAskedForIsLeftAloneAndCounted() throws Exception {
        front.update(0, PAGE, 0);
        front.misses(0, 1, Access.READ, 0);
        front.update(PAGE, 64 * PAGE, PAGE);
        assertThat(front.iotlb.cache().size()).isZero();
        assertThat(front.statistics.unasked()).isEqualTo(2);
        front.answer(0);
        front.update(0, PAGE, 5 * PAGE);
        front.finds(0, 1, Access.READ, 0);
        assertThat(front.statistics.unasked()).isEqualTo(3);
    }

    @Test
    void anEntryAllowsNoMoreThanTheFrontEndSays() throws Exception {
        front.misses(0, 1, Access.WRITE, 0);
        front.open.clear();
        front.update(0, PAGE, PAGE, Permission.READ_ONLY);
        assertThat(front.iotlb.cache().size()).as("nobody has asked for reading").isZero();
        front.iotlb.answered(0, Access.WRITE, true);
        front.misses(0, 1, Access.WRITE, 0);
        front.update(0, PAGE, PAGE, Permission.READ_ONLY);
        front.iotlb.answered(0, Access.WRITE, true);
        front.faults(0, 1, Access.WRITE, 0);
    }

    @Test
    void anEntryAnswersTheQuestionThatItAllows() throws Exception {
        front.misses(0, 1, Access.WRITE, 0);
        front.misses(0, 1, Access.READ, 0);
        front.update(0, PAGE, PAGE, Permission.READ_ONLY);
        front.finds(0, 1, Access.READ, PAGE);
        front.misses(0, 1, Access.WRITE, 0);
    }

    /** Entries and answers take different ways: the second entry may overtake the first answer, and looks like a repetition. */
    @Test
    void anEntryThatOvertakesAnAnswerIsAskedForOnceMore() throws Exception {
        front.misses(0, 1, Access.READ, 0);
        front.misses(0, 1, Access.WRITE, 0);
        front.open.clear();
        front.update(0, PAGE, PAGE);
        front.update(0, PAGE, PAGE);
        front.iotlb.answered(0, Access.READ, true);
        front.iotlb.answered(0, Access.WRITE, true);
        front.misses(0, 1, Access.WRITE, 0);
        front.answer(PAGE);
        front.finds(0, 1, Access.WRITE, PAGE);
        assertThat(front.statistics.refused()).isZero();
    }

    /** A front-end that acknowledges without an entry, or with an insufficient one, would be asked for ever. */
    @Test
    void aSecondYesWithoutAnEntryIsANo() {
        for (int asked = 1; asked <= 2; asked++) {
            front.misses(3 * PAGE, 1, Access.READ, 3 * PAGE);
            assertThat(front.open).hasSize(1);
            front.open.clear();
            front.iotlb.answered(3 * PAGE, Access.READ, true);
            assertThat(front.progress).isEqualTo(asked);
        }
        front.faults(3 * PAGE, 1, Access.READ, 3 * PAGE);
        assertThat(front.statistics.refused()).isEqualTo(1);
    }

    @Test
    void aYesToWhatAnEntryHasToldBeforeIsAYes() throws Exception {
        front.misses(MIB2, 3 * PAGE, Access.READ, MIB2);
        front.open.clear();
        front.update(MIB2, MIB2, 4 * MIB2);
        for (int page = 0; page < 3; page++) front.iotlb.answered(MIB2 + page * PAGE, Access.READ, true);
        front.finds(MIB2, 3 * PAGE, Access.READ, 4 * MIB2);
        assertThat(front.statistics.refused()).isZero();
    }

    @Test
    void aDuplicateChangesNothing() throws Exception {
        front.misses(0, 1, Access.READ, 0);
        front.update(0, PAGE, PAGE);
        front.update(0, PAGE, PAGE);
        front.iotlb.answered(0, Access.READ, true);
        front.iotlb.answered(0, Access.READ, true);
        front.finds(0, 1, Access.READ, PAGE);
        assertThat(front.iotlb.cache().size()).isEqualTo(1);
        assertThat(front.statistics.misses()).isEqualTo(1);
    }

    @Test
    void anEntryThatIsNotMadeOfPagesOrTooHighIsRefusedAndTheQuestionStays() throws Exception {
        front.misses(0, 1, Access.READ, 0);
        assertThatThrownBy(() -> front.update(0, PAGE + 1, 0)).isInstanceOf(MapException.class);
        assertThatThrownBy(() -> front.update(0, PAGE, 8)).isInstanceOf(MapException.class);
        assertThatThrownBy(() -> front.iotlb.update(0, PAGE, 1L << 52, Permission.READ_WRITE))
                .isInstanceOf(MapException.class);
        assertThatThrownBy(() -> front.iotlb.update(0, -PAGE, 0, Permission.READ_WRITE))
                .isInstanceOf(MapException.class);
        front.misses(1L << 57, 1, Access.READ, 1L << 57);
        assertThatThrownBy(() -> front.update(1L << 57, PAGE, 0)).isInstanceOf(MapException.class);
        assertThat(front.iotlb.cache().size()).isZero();
        front.answer(0);
        front.finds(0, 1, Access.READ, 0);
    }

    @Test
    void whatLeadsOutOfTheMemoryTableFaultsAndLeavesNothing() throws Exception {
        long end = AskedFront.PAGES * PAGE;
        front.misses(0, 3 * PAGE, Access.READ, 0);
        front.answer(0);
        front.answer(end);
        front.answer(PAGE);
        front.faults(0, 3 * PAGE, Access.READ, 0);
        front.finds(0, PAGE, Access.READ, 0);
        front.runs.clear();
        assertThat(front.iotlb.resolveKnown(0, 3 * PAGE, Access.READ, front.runs, front.result)).isZero();
        assertThat(front.result.outcome()).isEqualTo(Outcome.FAULT);
        assertThat(front.runs.bytes()).as("it said that it appended nothing").isZero();
    }

    @Test
    void aRangeEndsAt2To64AndDoesNotGoOnAtZero() {
        front.faults(-PAGE, PAGE + 1, Access.READ, -PAGE);
        front.faults(-1, 2, Access.READ, -1);
        front.faults(-1, Long.MAX_VALUE, Access.READ, -1);
        assertThat(front.open).isEmpty();
        front.misses(-3 * PAGE, 3 * PAGE, Access.READ, -3 * PAGE);
        assertThat(front.open).containsExactly(new Question(-3 * PAGE, Access.READ),
                new Question(-2 * PAGE, Access.READ), new Question(-PAGE, Access.READ));
        for (int i = 0; i < 3; i++) front.refuse();
        front.faults(-PAGE - 1, PAGE + 1, Access.READ, -PAGE - 1);
    }

    @Test
    void aNewMemoryTableNeedsNoNewQuestions() throws Exception {
        front.misses(0, PAGE, Access.READ, 0);
        front.answer(PAGE);
        long before = front.iotlb.generation();
        front.adoptMemory();
        assertThat(front.iotlb.generation()).isNotEqualTo(before);
        assertThat(front.iotlb.memory()).isSameAs(front.view.current());
        front.finds(0, PAGE, Access.READ, PAGE);
        assertThat(front.statistics.misses()).isEqualTo(1);
    }

    @Test
    void knowsWhetherAddressesAreTranslated() throws Exception {
        front.misses(0, 2 * PAGE, Access.READ, 0);
        front.answerAll(0);
        assertThat(front.statistics.isTranslating()).isFalse();
        front.misses(4 * PAGE, 1, Access.READ, 4 * PAGE);
        front.answerAll(1);
        assertThat(front.statistics.isTranslating()).isTrue();
    }

    /** Code that keeps runs compares generations, even across a restart of the device. */
    @Test
    void noTwoCachesHaveAGenerationInCommon() {
        List<Long> seen = new ArrayList<>();
        seen.add(front.iotlb.generation());
        front.invalidate(0, PAGE - 1);
        seen.add(front.iotlb.generation());
        Iotlb next = front.newIotlb();
        seen.add(next.generation());
        next.invalidate(AddressRange.of(0, PAGE));
        seen.add(next.generation());
        next.clear();
        seen.add(next.generation());
        assertThat(seen).doesNotHaveDuplicates();
    }
}
