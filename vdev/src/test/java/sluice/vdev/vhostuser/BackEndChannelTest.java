package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.Fd;
import sluice.iommu.Access;
import sluice.vdev.fixture.BackEndChannel.Request;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.PeerLog;
import sluice.vdev.loopback.ClockedLoop;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** What we ask the front-end is answered once: by it, in the order of the questions, or by the end of the channel. */
@Timeout(60)
class BackEndChannelTest {
    private static final int IOTLB = 1;
    private static final int CONFIG_CHANGE = 2;
    private static final int REPLY = 5;

    private final LogTap log = new LogTap();
    private final List<Long> answers = new CopyOnWriteArrayList<>();
    private final BackEndChannel channel = new BackEndChannel(new PeerLog(LoggerFactory.getLogger("sluice.test")));
    private int fdsBefore;
    private ClockedLoop control;
    private sluice.vdev.fixture.BackEndChannel frontEnd;

    @BeforeEach
    void connect() throws IOException {
        fdsBefore = Fd.openCount();
        control = new ClockedLoop("back-end-channel");
        frontEnd = sluice.vdev.fixture.BackEndChannel.open();
        Fd ours = frontEnd.backEndSide().duplicate();
        onLoop(() -> channel.connect(ours, control.loop(), new Disposal(Budget.ofProcess().own())));
    }

    @AfterEach
    void nothingIsLeft() {
        onLoop(channel::close);
        frontEnd.close();
        control.close();
        log.close();
        log.requireNoInternalError();
        Deadline.requireOwned(fdsBefore);
    }

    private void onLoop(Runnable task) {
        control.loop().execute(task);
        control.settle();
    }

    private void askBoth() {
        onLoop(() -> {
            channel.request(CONFIG_CHANGE, answers::add);
            channel.miss(0x5000, Access.WRITE, answers::add);
        });
    }

    @Test
    void answersBelongToTheQuestionsInTheirOrder() throws Exception {
        askBoth();
        Request first = frontEnd.receive(Deadline.USUAL);
        Request second = frontEnd.receive(Deadline.USUAL);
        assertThat(first.request()).isEqualTo(CONFIG_CHANGE);
        assertThat(first.payload().remaining()).isZero();
        assertThat(second.request()).isEqualTo(IOTLB);
        assertThat(second.iotlb().iova()).isEqualTo(0x5000);
        assertThat(first.needReply() && second.needReply()).as("without it nobody answers").isTrue();
        frontEnd.reply(first, 7);
        control.settle();
        assertThat(answers).containsExactly(7L);
        frontEnd.reply(second, 0);
        control.settle();
        assertThat(answers).containsExactly(7L, 0L);
        assertThat(log.complaints()).isEmpty();
    }

    @Test
    void withoutAChannelThereIsNoAnswer() {
        onLoop(channel::close);
        askBoth();
        assertThat(answers).containsExactly(BackEndChannel.NO_ANSWER, BackEndChannel.NO_ANSWER);
    }

    /**
     * A number other than that of the oldest request, messages that are not replies, and bodies that are not one
     * number.
     */
    @ParameterizedTest
    @CsvSource({ "1,5,8", "3,5,8", "2,1,8", "2,9,8", "2,5,0", "2,5,4", "2,5,12" })
    void whatAnswersNothingEndsTheChannelAndAllThatIsAsked(int number, int flags, int bytes) throws Exception {
        askBoth();
        ByteBuffer message = ByteBuffer.allocate(12 + bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(number)
                .putInt(flags).putInt(bytes).rewind();
        frontEnd.answerRaw(message, Deadline.USUAL);
        control.settle();
        assertThat(answers).containsExactly(BackEndChannel.NO_ANSWER, BackEndChannel.NO_ANSWER);
        assertThat(channel.isConnected()).isFalse();
        assertThat(log.count("does not answer a request")).isEqualTo(1);
    }

    @Test
    void anAnswerThatNobodyWaitsForEndsTheChannel() throws Exception {
        onLoop(() -> channel.request(CONFIG_CHANGE, answers::add));
        Request only = frontEnd.receive(Deadline.USUAL);
        frontEnd.reply(only, 0);
        frontEnd.reply(only, 0);
        control.settle();
        assertThat(answers).as("once").containsExactly(0L);
        assertThat(channel.isConnected()).isFalse();
        assertThat(log.count("message 2 with flags 0x" + REPLY)).isEqualTo(1);
    }

    @Test
    void aFrontEndThatGoesAnswersAllByThat() throws Exception {
        askBoth();
        frontEnd.shutdown();
        control.settle();
        assertThat(answers).containsExactly(BackEndChannel.NO_ANSWER, BackEndChannel.NO_ANSWER);
        assertThat(channel.isConnected()).isFalse();
        assertThat(log.complaints()).isEmpty();
    }

    /** What the first has not answered is asked on the second, which is not ended by the end of the first. */
    @Test
    void aSecondChannelTakesTheQuestionsOver() throws Exception {
        askBoth();
        Request answered = frontEnd.receive(Deadline.USUAL);
        frontEnd.receive(Deadline.USUAL);
        frontEnd.reply(answered, 7);
        control.settle();
        try (sluice.vdev.fixture.BackEndChannel second = sluice.vdev.fixture.BackEndChannel.open()) {
            Fd ours = second.backEndSide().duplicate();
            onLoop(() -> channel.connect(ours, control.loop(), new Disposal(Budget.ofProcess().own())));
            Request again = second.receive(Deadline.USUAL);
            assertThat(again.iotlb().iova()).isEqualTo(0x5000);
            assertThat(channel.isConnected()).isTrue();
            second.reply(again, 0);
            control.settle();
            assertThat(answers).containsExactly(7L, 0L);
            onLoop(channel::close);
        }
        assertThat(log.complaints()).isEmpty();
    }
}
