package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.plain.PlainUnits;

import static org.assertj.core.api.Assertions.assertThat;

/** The life of a stream as dev-decoder.rst tells it: what a client does, and each event that it gets. */
class DecoderStreamTest {
    private static final int SIDE = 32;
    private static final int BUFFERS = 4;

    private OneThreadMedia device;
    private PlainClient client;

    @BeforeEach
    void start() throws IOException {
        device = new OneThreadMedia();
        client = begun();
    }

    @AfterEach
    void end() {
        device.close();
    }

    private PlainClient begun() {
        PlainClient made = new PlainClient(device);
        made.subscribe(V4l2.EVENT_SOURCE_CHANGE);
        made.subscribe(V4l2.EVENT_EOS);
        made.setFormat(PlainClient.OUTPUT, "SLPL", SIDE, SIDE);
        for (int type : new int[]{ PlainClient.OUTPUT, PlainClient.CAPTURE }) {
            made.request(type, BUFFERS);
            made.stream(type, true);
        }
        for (int i = 0; i < BUFFERS; i++) made.queuePicture(i);
        return made;
    }

    private static ByteBuffer unit(int number, int delay) {
        return PlainUnits.pattern(SIDE, SIDE, number, number, delay);
    }

    /** The same as the last of its stream. */
    private static ByteBuffer last(ByteBuffer unit) {
        return MediaDriver.little(unit.limit() + 4).put(unit.duplicate().rewind()).put(new byte[]{ 'S', 'E', 'N', 'D' })
                .rewind();
    }

    @Test
    void aDrainEndsWithAnEmptyBufferAndStartGoesOn() {
        client.queueUnit(0, unit(1, 1), 1);
        client.queueUnit(1, unit(2, 1), 2);
        assertThat(client.said()).containsExactly("source", "unit 0", "picture 1", "unit 1");
        assertThat(client.command(V4l2.CMD_STOP)).isZero();
        assertThat(client.command(V4l2.CMD_STOP)).as("one is under way").isEqualTo(Errno.EBUSY);
        assertThat(client.command(V4l2.CMD_START)).as("the same").isEqualTo(Errno.EBUSY);
        assertThat(client.said()).containsExactly("picture 2", "empty last", "eos");
        client.queueUnit(0, unit(3, 0), 3);
        assertThat(client.said()).as("nothing is decoded until it starts").isEmpty();
        assertThat(client.command(V4l2.CMD_STOP)).as("it has stopped").isZero();
        assertThat(client.command(V4l2.CMD_START)).isZero();
        assertThat(client.said()).containsExactly("picture 3", "unit 0");
    }

    @Test
    void toStopWithoutStreamingIsNothing() {
        client.stream(PlainClient.CAPTURE, false);
        assertThat(client.command(V4l2.CMD_STOP)).isZero();
        client.stream(PlainClient.CAPTURE, true);
        client.queuePicture(0);
        client.queueUnit(0, unit(1, 0), 1);
        assertThat(client.said()).containsExactly("source", "picture 1", "unit 0");
    }

    /** With pictures in the unit, and without. */
    @ParameterizedTest
    @CsvSource({ "true", "false" })
    void aStreamThatSaysThatItEndsIsDrained(boolean withPicture) {
        client.queueUnit(0, unit(1, 2), 1);
        client.queueUnit(1, withPicture ? last(unit(2, 2)) : last(ByteBuffer.allocate(0)), 2);
        client.queueUnit(2, unit(3, 0), 3);
        List<String> expected = new ArrayList<>(List.of("source", "unit 0", "picture 1"));
        if (withPicture) expected.add("picture 2");
        expected.addAll(List.of("empty last", "eos", "unit 1"));
        assertThat(client.said()).containsExactlyInAnyOrderElementsOf(expected);
        assertThat(client.command(V4l2.CMD_START)).isZero();
        assertThat(client.said()).containsExactly("picture 3", "unit 2");
    }

    /** As an explicit one, it waits for a buffer. */
    @Test
    void theDrainOfAnEndWaitsForABuffer() {
        for (int i = 0; i < BUFFERS - 1; i++) {
            client.queueUnit(0, unit(i, 0), i);
            assertThat(client.said()).contains("unit 0");
        }
        client.queueUnit(0, last(unit(9, 0)), 9);
        assertThat(client.said()).containsExactly("picture 9");
        assertThat(client.command(V4l2.CMD_START)).isEqualTo(Errno.EBUSY);
        client.queuePicture(0);
        assertThat(client.said()).containsExactlyInAnyOrder("empty last", "eos", "unit 0");
    }

    /** The client's own drain, which it has asked for before, is complete later. */
    @Test
    void anEndWithinADrainIsNoEndOfIt() {
        client.queueUnit(0, last(unit(1, 0)), 1);
        client.queueUnit(1, unit(2, 1), 2);
        assertThat(client.command(V4l2.CMD_STOP)).isZero();
        assertThat(client.said()).containsExactly("source", "picture 1", "unit 0", "unit 1", "picture 2", "empty last",
                "eos");
    }

    @Test
    void whatWasKeptBackIsForgottenAtASeek() {
        client.queueUnit(0, unit(1, 2), 1);
        client.queueUnit(1, unit(2, 2), 2);
        client.queueUnit(2, unit(3, 2), 3);
        assertThat(client.said()).containsExactly("source", "unit 0", "unit 1", "picture 1", "unit 2");
        client.queueUnit(0, unit(4, 0), 4);
        client.stream(PlainClient.OUTPUT, false);
        client.stream(PlainClient.OUTPUT, true);
        client.queueUnit(0, unit(5, 0), 5);
        assertThat(client.said()).containsExactly("picture 5", "unit 0");
    }

    /** Smaller pictures fit into the buffers that there are: the client only says that it goes on. */
    @Test
    void startIsEnoughIfTheBuffersAreLargeEnough() {
        client.queueUnit(0, unit(1, 0), 1);
        assertThat(client.said()).containsExactly("source", "picture 1", "unit 0");
        client.queueUnit(0, PlainUnits.pattern(16, 16, 2, 2, 0), 2);
        assertThat(client.said()).containsExactly("source", "empty last");
        assertThat(client.format(PlainClient.CAPTURE).getInt(8)).isEqualTo(16);
        assertThat(client.command(V4l2.CMD_START)).isZero();
        assertThat(client.said()).containsExactly("picture 2", "unit 0");
    }

    /** Buffers that are too small for the next pictures come back as errors, if the client goes on with them. */
    @Test
    void buffersThatAreTooSmallComeBack() {
        client.queueUnit(0, unit(1, 0), 1);
        assertThat(client.said()).containsExactly("source", "picture 1", "unit 0");
        client.queueUnit(0, PlainUnits.pattern(160, 160, 2, 2, 0), 2);
        assertThat(client.said()).containsExactly("source", "empty last");
        assertThat(client.command(V4l2.CMD_START)).isZero();
        assertThat(client.said()).containsExactly("empty error", "empty error");
        assertThat(client.call(Ioctl.QBUF, MediaDriver.buffer(PlainClient.CAPTURE, 0, V4l2.MEMORY_MMAP, 1)))
                .isEqualTo(Errno.EINVAL);
    }

    @Test
    void aUnitThatIsBrokenIsAnErrorAndNoPicture() {
        client.queueUnit(0, PlainUnits.deed(SIDE, SIDE, PlainUnits.BROKEN), 1);
        client.queueUnit(1, unit(2, 0), 2);
        assertThat(client.said()).containsExactly("unit 0 error", "source", "picture 2", "unit 1");
        client.queueUnit(0, last(PlainUnits.deed(SIDE, SIDE, PlainUnits.BROKEN)), 3);
        assertThat(client.said()).as("the stream ends all the same").containsExactlyInAnyOrder("unit 0 error",
                "empty last", "eos");
    }

    /** Sides that no picture may have, and a coded size that does not fit into the device's memory. */
    @Test
    void absurdSizesAreErrorsOfTheirUnits() {
        int index = 0;
        for (int[] sides : new int[][]{ { 0xffff, 0xffff }, { 0xffff, 1 }, { 0, 0 } }) {
            client.queueUnit(index, PlainUnits.pattern(sides[0], sides[1], 1, 1, 0), 1);
            assertThat(client.said()).containsExactly("unit " + index++ + " error");
        }
        client.queueUnit(0, PlainUnits.pattern(FrameLayout.MOST, FrameLayout.MOST, 1, 1, 0), 1);
        assertThat(client.said()).containsExactly("source", "empty last");
        client.stream(PlainClient.CAPTURE, false);
        ByteBuffer none = MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(4, PlainClient.CAPTURE).putInt(8,
                V4l2.MEMORY_MMAP);
        client.ok(Ioctl.REQBUFS, none);
        assertThat(client.call(Ioctl.REQBUFS, none.putInt(0, 1))).isEqualTo(Errno.ENOMEM);
    }

    /** A client that does not take its events does not keep those of another. */
    @Test
    void eventsComeFromEachSessionInTurn() {
        PlainClient other = begun();
        for (int i = 0; i < 3; i++) client.queueUnit(i, unit(i, 0), i);
        while (device.work()) {
            // Of the first session.
        }
        other.queueUnit(0, unit(7, 0), 7);
        while (device.work()) {
            // Of the second.
        }
        List<Integer> sessions = client.events().stream().map(MediaDriver.Event::session).toList();
        assertThat(sessions).hasSize(2 * 3 + 1 + 3);
        assertThat(sessions.lastIndexOf(other.id)).as("among %s", sessions).isLessThanOrEqualTo(6);
    }
}
