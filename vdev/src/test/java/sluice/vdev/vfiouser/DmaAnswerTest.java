package sluice.vdev.vfiouser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VfioUserMessage;
import sluice.vdev.loopback.ClockedLoop;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.body;

/** What a front-end says to a question for its memory: only what was asked for counts, in the time there is for it. */
@Timeout(60)
class DmaAnswerTest {
    private static final long ADDRESS = 0x10000;
    private static final int LENGTH = 64;
    private static final int SECONDS = 5;
    private static final String NOT_ANSWERED = "has not answered a request";

    private final LogTap log = new LogTap();
    private ClockedLoop control;
    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;

    @BeforeEach
    void start() throws IOException {
        control = new ClockedLoop("answers-control");
        function = new PlainFunction();
        process = new FunctionProcess(function, control.loop());
        client = process.agreed();
        assertThat(client.map(ADDRESS, 1 << 16, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE)).isZero();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        client.write32(0, PlainFunction.ADDRESS, (int) ADDRESS);
        client.write32(0, PlainFunction.LENGTH, LENGTH);
    }

    @AfterEach
    void end() {
        client.close();
        process.awaitGone();
        process.close();
        control.close();
        function.close();
        log.close();
        log.requireNoInternalError();
    }

    /** Has the function ask; returns its question. */
    private VfioUserMessage ask(int command) throws IOException {
        client.post(VfioUserClient.REGION_WRITE, 0,
                body(20).putLong(PlainFunction.COMMAND).putInt(0).putInt(4).putInt(command));
        VfioUserMessage first = client.receive().orElseThrow();
        VfioUserMessage second = client.receive().orElseThrow();
        return first.isReply() ? second : first;
    }

    private void answer(VfioUserMessage question, int bytes) throws IOException {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) 7);
        ByteBuffer body = body(16 + bytes).putLong(ADDRESS).putLong(bytes).put(data);
        client.reply(question, 0, body);
    }

    /** What has become of the question by now. */
    private int state() throws IOException {
        control.settle();
        return client.read32(0, PlainFunction.STATE);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, LENGTH - 1, LENGTH + 1, 2 * LENGTH, 65_536 })
    void anAnswerOfAnotherLengthIsAFailureAndNoByteOfItIsTaken(int bytes) throws Exception {
        answer(ask(PlainFunction.READ_LATER), bytes);
        assertThat(state()).isEqualTo(PlainFunction.STATE_REFUSED);
        assertThat(function.buffer).containsOnly(0);
        assertThat(log.count("the front-end answers " + bytes + " bytes instead of " + LENGTH)).isEqualTo(1);
        // The connection is as good as before.
        answer(ask(PlainFunction.READ_LATER), LENGTH);
        assertThat(state()).isZero();
        assertThat(Arrays.copyOf(function.buffer, LENGTH)).containsOnly(7);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 15 })
    void anAnswerWithoutAddressAndCountIsAFailure(int bytes) throws Exception {
        client.reply(ask(PlainFunction.READ_LATER), 0, body(bytes));
        assertThat(state()).isEqualTo(PlainFunction.STATE_REFUSED);
        assertThat(function.buffer).containsOnly(0);
    }

    @ParameterizedTest
    @ValueSource(ints = { PlainFunction.READ_LATER, PlainFunction.WRITE_LATER })
    void aRefusalIsAFailure(int command) throws Exception {
        client.reply(ask(command), Errno.EFAULT, body(0));
        assertThat(state()).isEqualTo(PlainFunction.STATE_REFUSED);
        control.advance(1, TimeUnit.HOURS);
        assertThat(log.count(NOT_ANSWERED)).as("it was answered").isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = { PlainFunction.READ_LATER, PlainFunction.WRITE_LATER })
    void whatIsNotAnsweredInTimeHasFailedAndNotBefore(int command) throws Exception {
        VfioUserMessage question = ask(command);
        control.advance(TimeUnit.SECONDS.toMillis(SECONDS) - 1, TimeUnit.MILLISECONDS);
        assertThat(state()).isEqualTo(PlainFunction.STATE_WAITING);
        control.advance(1, TimeUnit.MILLISECONDS);
        assertThat(state()).isEqualTo(PlainFunction.STATE_REFUSED);
        assertThat(log.count(NOT_ANSWERED)).isEqualTo(1);
        answer(question, LENGTH);
        assertThat(state()).as("too late").isEqualTo(PlainFunction.STATE_REFUSED);
        assertThat(function.buffer).containsOnly(0);
        assertThat(log.count("which was not sent or has timed out")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = { PlainFunction.READ_LATER, PlainFunction.WRITE_LATER })
    void anAnswerEndsTheTimeThereWasForIt(int command) throws Exception {
        VfioUserMessage first = ask(command);
        control.advance(SECONDS - 1, TimeUnit.SECONDS);
        answer(first, LENGTH);
        assertThat(state()).isZero();
        VfioUserMessage second = ask(command);
        control.advance(SECONDS - 1, TimeUnit.SECONDS);
        assertThat(log.count(NOT_ANSWERED)).as("the first was, and the second has a second left").isZero();
        answer(second, LENGTH);
        assertThat(state()).isZero();
        control.advance(1, TimeUnit.HOURS);
        assertThat(log.complaints()).isEmpty();
    }

    /** Each has a name of its own while it is under way, and its own answer, whatever their order. */
    @Test
    void answersInAnyOrderFindTheirQuestions() throws Exception {
        VfioUserMessage first = ask(PlainFunction.READ_LATER);
        VfioUserMessage second = ask(PlainFunction.READ_LATER);
        assertThat(second.id()).isNotEqualTo(first.id());
        answer(second, LENGTH);
        assertThat(state()).isZero();
        client.reply(first, Errno.EIO, body(0));
        assertThat(state()).isEqualTo(PlainFunction.STATE_REFUSED);
    }
}
