package sluice.vdev.vhostuser;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.vdev.io.ProtocolViolation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Replies wait for earlier ones, and their number is limited. */
class RepliesTest {
    private static final long SEED = 20261203;
    private static final int MOST = 256;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Replies replies = new Replies(channel);

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    /** Answers that have gone out since this was asked last. */
    private int sent() {
        int count = 0;
        for (Object frame = channel.readOutbound(); frame != null; frame = channel.readOutbound()) {
            ReferenceCountUtil.release(frame);
            count++;
        }
        return count;
    }

    @Test
    void anAnswerGoesOutWhenAllBeforeItHaveGone() throws Exception {
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            int count = 1 + random.nextInt(20);
            List<Replies.Place> places = new ArrayList<>();
            List<Integer> order = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                places.add(replies.expect(i));
                order.add(i);
            }
            Collections.shuffle(order, random);
            boolean[] answered = new boolean[count];
            int gone = 0;
            for (int which : order) {
                places.get(which).answer(which);
                answered[which] = true;
                int due = gone;
                while (due < count && answered[due])
                    due++;
                assertThat(sent()).as("seed %d, round %d: after answer %d", SEED, round, which).isEqualTo(due - gone);
                gone = due;
            }
            assertThat(gone).isEqualTo(count);
        }
    }

    @Test
    void theBodyOfAnAnswerIsReleasedWhenItGoes() throws Exception {
        Replies.Place first = replies.expect(1);
        Replies.Place second = replies.expect(2);
        ByteBuf body = Unpooled.buffer().writeLongLE(7);
        second.answer(body);
        assertThat(body.refCnt()).as("it waits for the first").isEqualTo(1);
        first.answer(0);
        assertThat(body.refCnt()).isZero();
        assertThat(sent()).isEqualTo(2);
    }

    @Test
    void anAnswerFromAnotherThreadGoesOutOnTheLoop() throws Exception {
        replies.expect(1).answerLater(0);
        channel.runPendingTasks();
        assertThat(sent()).isEqualTo(1);
    }

    @Test
    void whoDoesNotReadAnswersMayNotAskOn() throws Exception {
        Replies.Place before = replies.expect(1);
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        assertThatThrownBy(() -> replies.expect(2)).isInstanceOf(ProtocolViolation.class)
                .hasMessage("the front-end sends requests and does not read the answers");
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        before.answer(0);
        replies.expect(2).answer(0);
        assertThat(sent()).isEqualTo(2);
    }

    @Test
    void onlySoManyMayWaitAndEachThatGoesMakesRoomForOne() throws Exception {
        List<Replies.Place> places = new ArrayList<>();
        for (int i = 0; i < MOST; i++) places.add(replies.expect(i));
        for (int round = 0; round < 3; round++) {
            assertThatThrownBy(() -> replies.expect(MOST)).isInstanceOf(ProtocolViolation.class)
                    .hasMessage("more than 256 messages are waiting for answers");
            places.get(round).answer(0);
            assertThat(sent()).isEqualTo(1);
            places.add(replies.expect(MOST + round));
        }
    }

    @Test
    void anAnswerToWhatWasAnsweredIsAMistakeOfOurs() throws Exception {
        Replies.Place first = replies.expect(1);
        Replies.Place second = replies.expect(2);
        second.answer(0);
        assertThatThrownBy(() -> second.answer(0)).isInstanceOf(IllegalStateException.class)
                .hasMessage("message 2 was answered before");
        first.answer(0);
        assertThat(sent()).isEqualTo(2);
    }
}
