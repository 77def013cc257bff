package sluice.vdev.vfiouser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VfioUserMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.body;

/** What is longer than one answer of the front-end may be is asked for piece by piece. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LongReadTest {
    private static final long ADDRESS = 0x10000;
    private static final int LENGTH = 2 * DmaMessages.READ_PIECE + 100;

    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;

    @BeforeEach
    void startToRead() throws IOException {
        function = new PlainFunction();
        process = new FunctionProcess(function);
        client = process.agreed();
        assertThat(client.map(ADDRESS, 1 << 16, 0, VfioUserClient.MAP_READ)).isZero();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        client.write32(0, PlainFunction.ADDRESS, (int) ADDRESS);
        client.write32(0, PlainFunction.LENGTH, LENGTH);
    }

    @AfterEach
    void close() {
        client.close();
        process.awaitGone();
        process.close();
        function.close();
    }

    /** Starts the read; returns the first question, which comes before or after the answer to the register's write. */
    private VfioUserMessage start() throws IOException {
        client.post(VfioUserClient.REGION_WRITE, 0,
                body(20).putLong(PlainFunction.COMMAND).putInt(0).putInt(4).putInt(PlainFunction.READ_LATER));
        VfioUserMessage first = client.receive().orElseThrow();
        VfioUserMessage second = client.receive().orElseThrow();
        return first.isReply() ? second : first;
    }

    private static void assertAsks(VfioUserMessage question, long address, int length) {
        assertThat(question.command()).isEqualTo(VfioUserClient.DMA_READ);
        assertThat(question.body().getLong(0)).as("address").isEqualTo(address);
        assertThat(question.body().getLong(8)).as("length").isEqualTo(length);
    }

    private void answer(VfioUserMessage question, int value) throws IOException {
        byte[] data = new byte[(int) question.body().getLong(8)];
        Arrays.fill(data, (byte) value);
        ByteBuffer body = body(16 + data.length).putLong(question.body().getLong(0)).putLong(data.length).put(data);
        client.reply(question, 0, body);
    }

    private void awaitState(int state) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return client.read32(0, PlainFunction.STATE) == state;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "state " + state);
    }

    @Test
    void thePiecesAreOneRead() throws Exception {
        int piece = DmaMessages.READ_PIECE;
        VfioUserMessage question = start();
        assertAsks(question, ADDRESS, piece);
        answer(question, 1);
        question = client.receive().orElseThrow();
        assertAsks(question, ADDRESS + piece, piece);
        answer(question, 2);
        question = client.receive().orElseThrow();
        assertAsks(question, ADDRESS + 2L * piece, 100);
        answer(question, 3);
        awaitState(0);
        byte[] expected = new byte[LENGTH];
        Arrays.fill(expected, 0, piece, (byte) 1);
        Arrays.fill(expected, piece, 2 * piece, (byte) 2);
        Arrays.fill(expected, 2 * piece, LENGTH, (byte) 3);
        assertThat(Arrays.copyOf(function.buffer, LENGTH)).isEqualTo(expected);
        assertThat(process.onLoop(() -> process.host().statistics().messages())).as("reads").isEqualTo(1);
        assertThat(process.onLoop(() -> process.host().statistics().messageBytes())).isEqualTo(LENGTH);
    }

    @Test
    void anAnswerToAnotherCommandIsNone() throws Exception {
        VfioUserMessage question = start();
        client.reply(new VfioUserMessage(question.id(), VfioUserClient.DMA_WRITE, question.flags(), question.error(),
                question.body(), question.fds()), 0, body(16).putLong(ADDRESS).putLong(question.body().getLong(8)));
        awaitState(PlainFunction.STATE_REFUSED);
        assertThat(function.buffer).containsOnly(0);
    }

    @Test
    void aPieceThatFailsFailsTheRead() throws Exception {
        answer(start(), 1);
        client.reply(client.receive().orElseThrow(), Errno.EFAULT, body(0));
        awaitState(PlainFunction.STATE_REFUSED);
        assertThat(function.buffer).containsOnly(0);
    }

    @Test
    void aFrontEndThatGoesInBetweenFailsTheRead() throws Exception {
        answer(start(), 1);
        assertThat(client.receive()).isPresent();
        client.close();
        Deadline.in(Deadline.USUAL).require(() -> process.onLoop(() -> function.resets.get() > 0), "the end");
        assertThat(function.buffer).containsOnly(0);
    }
}
