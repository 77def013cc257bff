package sluice.dmacore.memory;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** What is taken back is not found again, and nothing else is lost. */
class IotlbInvalidationTest {
    private static final long PAGE = MemoryRegion.PAGE;
    private static final long HIGH = 0xfef0_0000L;

    private final AskedFront front;

    IotlbInvalidationTest() throws Exception {
        front = new AskedFront();
    }

    /** Four pages at 0, two at HIGH, one at the end of 47 bits. */
    @BeforeEach
    void fill() throws Exception {
        front.misses(0, 4 * PAGE, Access.READ, 0);
        front.answerAll(0);
        front.misses(HIGH, PAGE, Access.READ, HIGH);
        front.answer(10 * PAGE);
        front.misses((1L << 47) - PAGE, 1, Access.READ, (1L << 47) - PAGE);
        front.answer(11 * PAGE);
    }

    @AfterEach
    void close() {
        front.close();
    }

    @Test
    void ofAPageInTheMiddle() throws Exception {
        long before = front.iotlb.generation();
        front.invalidate(PAGE, 2 * PAGE - 1);
        assertThat(front.iotlb.generation()).isNotEqualTo(before);
        front.finds(0, PAGE, Access.READ, 0);
        front.finds(2 * PAGE, 2 * PAGE, Access.READ, 2 * PAGE);
        front.misses(0, 4 * PAGE, Access.READ, PAGE);
        assertThat(front.openPages()).containsExactly(1L);
        front.answer(20 * PAGE);
        assertThat(front.resolve(0, 4 * PAGE, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(front.runs.count()).isEqualTo(3);
        assertThat(front.runs.offset(1)).isEqualTo(20 * PAGE);
        assertThat(front.statistics.exactInvalidations()).isEqualTo(1);
        assertThat(front.statistics.droppedEntries()).isEqualTo(1);
        assertThat(front.statistics.droppedWholesale()).isZero();
    }

    @Test
    void ofIntelsPairThatTogetherMeansEverything() {
        front.invalidate(0, 0xfee0_0000L - 1);
        front.misses(0, 1, Access.READ, 0);
        front.finds(HIGH, 1, Access.READ, 10 * PAGE);
        front.invalidate(0xfef0_0000L, -1);
        front.misses(HIGH, 1, Access.READ, HIGH);
        front.misses((1L << 47) - 1, 1, Access.READ, (1L << 47) - 1);
        assertThat(front.iotlb.cache().size()).isZero();
        assertThat(front.statistics.wholesaleInvalidations()).isEqualTo(2);
        assertThat(front.statistics.droppedWholesale()).isEqualTo(6);
    }

    @Test
    void ofEverything() {
        front.invalidate(0, -1);
        assertThat(front.iotlb.cache().size()).isZero();
        front.misses(0, 1, Access.READ, 0);
        assertThat(front.statistics.droppedEntries()).isEqualTo(6);
    }

    @Test
    void ofAddressesThatNothingCouldBeAt() {
        front.invalidate(1L << 63, -1);
        front.invalidate(-PAGE, -1);
        front.finds(0, 4 * PAGE, Access.READ, 0);
        assertThat(front.iotlb.cache().size()).isEqualTo(6);
    }

    /** A question's answer that was overtaken is asked for again. */
    @Test
    void betweenAnEntryAndTheEndOfItsQuestion() throws Exception {
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
        front.update(8 * PAGE, PAGE, 8 * PAGE);
        front.invalidate(8 * PAGE, 9 * PAGE - 1);
        front.open.clear();
        front.iotlb.answered(8 * PAGE, Access.READ, true);
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
        front.answer(9 * PAGE);
        front.finds(8 * PAGE, 1, Access.READ, 9 * PAGE);
    }

    /** The answer may be older than the invalidation that dropped its entry: it is not a refusal. */
    @Test
    void betweenAQuestionAndAnAnswerThatReliesOnAnEntryOfBefore() throws Exception {
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
        front.open.clear();
        front.invalidate(0, -1);
        front.iotlb.answered(8 * PAGE, Access.READ, true);
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
    }

    @Test
    void forgetsRefusals() throws Exception {
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
        front.refuse();
        front.invalidate(0, -1);
        front.misses(8 * PAGE, 1, Access.READ, 8 * PAGE);
        front.answer(0);
        front.finds(8 * PAGE, 1, Access.READ, 0);
    }

    @Test
    void answersThatComeAfterAClearAreIgnored() throws Exception {
        front.misses(8 * PAGE, 2 * PAGE, Access.READ, 8 * PAGE);
        long before = front.iotlb.generation();
        int progress = front.progress;
        front.iotlb.clear();
        assertThat(front.iotlb.generation()).isNotEqualTo(before);
        assertThat(front.iotlb.cache().size()).isZero();
        front.answer(0);
        front.refuse();
        assertThat(front.progress).isEqualTo(progress);
        assertThat(front.iotlb.cache().size()).isZero();
        front.misses(8 * PAGE, 2 * PAGE, Access.READ, 8 * PAGE);
        assertThat(front.openPages()).containsExactly(8L, 9L);
    }
}
