package sluice.vdev.vhostuser;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.OpenFiles;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Front-ends that break off, lie or flood. After each the listener serves the next one, and no descriptor is left over.
 */
class BadFrontEndTest {
    private static final int FLOOD = 32;
    /** Descriptors of a front-end whose device is busy, before no more is read from it. */
    private static final int TAKEN = 64;

    @TempDir
    private Path directory;

    private GpuBackEnd backEnd;
    private Listener listener;
    private Path path;
    private int owned;
    private int open;

    @BeforeEach
    void listen() throws IOException {
        backEnd = new GpuBackEnd(GpuOptions.defaults());
        path = directory.resolve("gpu.sock");
        listener = backEnd.listen(path);
        try (FrontEnd warm = connect(); Fd event = EventFd.create()) {
            warm.getFeatures();
            warm.setVringCall(0, event);
        }
        backEnd.awaitGone();
        backEnd.settle();
        owned = Fd.openCount();
        open = OpenFiles.count();
    }

    @AfterEach
    void theNextFrontEndIsServedAndNothingIsLeft() throws IOException {
        try (FrontEnd next = connect()) {
            assertThat(next.getQueueNum()).isEqualTo(2);
        }
        backEnd.awaitGone();
        backEnd.settle();
        Deadline.requireOwned(owned);
        assertThat(OpenFiles.count()).as("open files").isLessThanOrEqualTo(open);
        listener.close();
        backEnd.settle();
        assertThat(path).doesNotExist();
        backEnd.close();
    }

    private FrontEnd connect() throws IOException {
        return new FrontEnd(UnixSocket.connect(path));
    }

    private static byte[] message(int number, int flags, int size, int bytes) {
        return ByteBuffer.allocate(12 + bytes).order(ByteOrder.nativeOrder()).putInt(number).putInt(flags).putInt(size)
                .array();
    }

    private void endsWith(FrontEnd frontEnd, String sentence) throws IOException {
        assertThat(frontEnd.closedWithin(Deadline.USUAL)).isTrue();
        backEnd.awaitGone();
        assertThat(backEnd.log().count(sentence)).as("%s in %s", sentence, backEnd.log().complaints()).isEqualTo(1);
        assertThat(backEnd.log().complaints()).hasSize(1);
    }

    private static List<Fd> events(int count) throws IOException {
        List<Fd> events = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            events.add(EventFd.create());
        }
        return events;
    }

    private interface Sender {
        void send(Fd[] events) throws IOException;
    }

    private static void withEvents(int count, Sender sender) throws IOException {
        List<Fd> events = events(count);
        try {
            sender.send(events.toArray(Fd[]::new));
        } finally {
            events.forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 4, 11 })
    void oneThatDiesInsideAHeader(int bytes) throws IOException {
        try (FrontEnd frontEnd = connect()) {
            frontEnd.getFeatures();
            withEvents(3, events -> frontEnd.sendRaw(new byte[bytes], events));
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("within a message, after " + bytes + " of 12 bytes")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 39 })
    void oneThatDiesInsideABody(int bytes) throws IOException {
        try (FrontEnd frontEnd = connect()) {
            frontEnd.getFeatures();
            withEvents(1, events -> frontEnd.sendRaw(message(37, 1, 40, bytes), events));
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("within a message")).isEqualTo(1);
    }

    @Test
    void aKickThatIsNoEventfd() throws IOException {
        try (FrontEnd frontEnd = connect(); Fd file = Memfd.create("no-eventfd", 0)) {
            frontEnd.setFeatures(VhostUserBits.QEMU_FORCED);
            frontEnd.setVringNum(0, 64);
            frontEnd.setVringKick(0, file);
            frontEnd.getFeatures();
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("the kick descriptor is not an eventfd")).isEqualTo(1);
    }

    @Test
    void aKickBeforeTheFeatures() throws IOException {
        try (FrontEnd frontEnd = connect(); Fd kick = EventFd.create()) {
            frontEnd.setVringNum(0, 64);
            frontEnd.setVringKick(0, kick);
            frontEnd.getFeatures();
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().count("queue 0 cannot start: SET_FEATURES must arrive before")).isEqualTo(1);
    }

    @Test
    void oneThatDiesWithDescriptorsNobodyHasRead() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            withEvents(FLOOD, events -> {
                for (int i = 0; i < 100; i++) {
                    frontEnd.sendRaw(message(13, 1, 8, 8), events[0]);
                    frontEnd.sendRaw(message(3, 1, 0, 0), events);
                }
            });
        }
        backEnd.awaitGone();
        assertThat(backEnd.log().complaints()).isEmpty();
    }

    @Test
    void oneThatDiesWithoutAWord() throws IOException {
        connect().close();
        backEnd.awaitGone();
        assertThat(backEnd.log().complaints()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 2, 3, 8, -2 })
    void oneOfAnotherVersion(int flags) throws IOException {
        try (FrontEnd frontEnd = connect()) {
            withEvents(2, events -> frontEnd.sendRaw(message(1, flags, 0, 0), events));
            endsWith(frontEnd, "this is not vhost-user");
        }
    }

    @Test
    void oneThatAnswersWhatNobodyAsked() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            frontEnd.sendRaw(message(1, 5, 8, 8));
            endsWith(frontEnd, "is marked as a reply");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 4097, Integer.MAX_VALUE, -1, Integer.MIN_VALUE })
    void oneWithABodyLargerThanAny(int size) throws IOException {
        try (FrontEnd frontEnd = connect()) {
            withEvents(2, events -> frontEnd.sendRaw(message(1, 1, size, 0), events));
            endsWith(frontEnd, "announces a body of " + Integer.toUnsignedLong(size) + " bytes");
        }
    }

    @Test
    void theLargestBodyIsFine() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            frontEnd.sendRaw(message(3, 1, 4096, 4096));
            assertThat(frontEnd.getQueueNum()).isEqualTo(2);
        }
        backEnd.awaitGone();
    }

    static Stream<byte[]> malformed() {
        ByteBuffer nine = ByteBuffer.wrap(message(5, 1, 8 + 9 * 32, 8 + 9 * 32)).order(ByteOrder.nativeOrder())
                .putInt(12, 9);
        ByteBuffer one = ByteBuffer.wrap(message(5, 1, 40, 40)).order(ByteOrder.nativeOrder()).putInt(12, 1);
        ByteBuffer cut = ByteBuffer.wrap(message(5, 1, 39, 39)).order(ByteOrder.nativeOrder()).putInt(12, 1);
        ByteBuffer queue = ByteBuffer.wrap(message(11, 1, 8, 8)).order(ByteOrder.nativeOrder()).putInt(12, 2);
        ByteBuffer kick = ByteBuffer.wrap(message(12, 1, 8, 8)).order(ByteOrder.nativeOrder()).putInt(12, 7);
        ByteBuffer enable = ByteBuffer.wrap(message(18, 1, 8, 8)).order(ByteOrder.nativeOrder()).putInt(12, -1);
        return Stream.of(message(2, 1, 7, 7), message(5, 1, 0, 0), nine.array(), one.array(), cut.array(),
                message(8, 1, 4, 4), message(9, 1, 39, 39), queue.array(), message(12, 1, 0, 0), kick.array(),
                enable.array(), message(13, 1, 4, 4), message(16, 1, 1, 1), message(21, 1, 0, 0),
                message(24, 1, 11, 11), message(25, 1, 3, 3), message(33, 1, 0, 0), message(37, 1, 40, 40),
                message(38, 1, 32, 32));
    }

    @ParameterizedTest
    @MethodSource
    void malformed(byte[] bytes) throws IOException {
        // Two descriptors fit to none of these.
        withEvents(2, events -> {
            try (FrontEnd frontEnd = connect()) {
                frontEnd.getFeatures();
                frontEnd.sendRaw(bytes, events);
                endsWith(frontEnd, "the connection to the front-end is closed");
            }
        });
    }

    @Test
    void descriptorsNoRuleAsksForAreClosed() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            for (int i = 0; i < 20; i++) {
                withEvents(FLOOD, events -> frontEnd.send(1, FrontEnd.VERSION, ByteBuffer.allocate(0), events));
                assertThat(frontEnd.receiveRaw(Deadline.USUAL)).as("the answer").isPresent();
            }
            assertThat(frontEnd.getQueueNum()).isEqualTo(2);
            Deadline.requireOwned(owned + 2);
        }
        backEnd.awaitGone();
    }

    @Test
    void moreDescriptorsThanAMessageMayHaveEndTheConnection() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            withEvents(FLOOD, events -> {
                frontEnd.sendRaw(message(5, 1, 8, 0), events);
                frontEnd.sendRaw(new byte[4], events);
                endsWith(frontEnd, "descriptors");
            });
        }
    }

    @Test
    void oneThatDoesNotReadItsAnswersIsLetGo() throws IOException {
        try (FrontEnd frontEnd = connect()) {
            byte[] many = new byte[12 * 100];
            for (int i = 0; i < 100; i++) {
                System.arraycopy(message(1, 1, 0, 0), 0, many, 12 * i, 12);
            }
            for (int i = 0; i < 200; i++) {
                try {
                    frontEnd.sendRaw(many);
                } catch (IOException e) {
                    break; // gone already
                }
            }
            backEnd.awaitGone();
            assertThat(backEnd.log().count("does not read the answers")).isEqualTo(1);
        }
    }

    /** The device is busy, so nothing can be carried out, and the front-end goes on and on: it has to wait. */
    @Test
    void oneThatSendsMoreThanTheDeviceGetsDoneWaitsWithAllItsDescriptors() throws IOException {
        CountDownLatch busy = new CountDownLatch(1);
        Consumer<FrontEnd> flood = frontEnd -> {
            try {
                withEvents(1, events -> {
                    for (int i = 0; i < 100; i++) {
                        frontEnd.sendRaw(message(13, FrontEnd.VERSION, 8, 8), events);
                    }
                });
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        };
        try (FrontEnd frontEnd = connect()) {
            frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
            backEnd.loop().execute(() -> {
                try {
                    busy.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            frontEnd.send(34, FrontEnd.VERSION | FrontEnd.NEED_REPLY, ByteBuffer.allocate(0));
            flood.accept(frontEnd);
            // Both ends, and what it has taken of the flood.
            Deadline.requireOwned(owned + 2 + TAKEN);
            backEnd.settle();
            Deadline.requireOwned(owned + 2 + TAKEN);
            busy.countDown();
            assertThat(frontEnd.receiveRaw(Deadline.USUAL)).as("the answer to RESET_DEVICE").isPresent();
            assertThat(frontEnd.getQueueNum()).as("everything was read in the end").isEqualTo(2);
            Deadline.requireOwned(owned + 3);
        } finally {
            busy.countDown();
        }
        backEnd.awaitGone();
    }

    @Test
    void aSecondOneIsSentAwayAndTheFirstUnharmed() throws IOException {
        try (FrontEnd first = connect()) {
            first.setProtocolFeatures(VhostUserBits.P_REPLY_ACK);
            for (int i = 0; i < 3; i++) {
                try (FrontEnd second = connect()) {
                    assertThat(second.closedWithin(Deadline.USUAL)).isTrue();
                }
                assertThat(first.getQueueNum()).isEqualTo(2);
            }
            assertThat(backEnd.log().count("rejected a second front-end")).isEqualTo(3);
        }
        backEnd.awaitGone();
    }

    @Test
    void oneThatComesAsTheOtherGoesIsServed() throws IOException {
        for (int i = 0; i < 100; i++) {
            FrontEnd first = connect();
            // Answers that are still under way when the next front-end knocks.
            first.sendRaw(Collections.nCopies(100, message(3, 1, 0, 0)).stream().collect(
                    ByteArrayOutputStream::new, ByteArrayOutputStream::writeBytes,
                    (one, other) -> one.writeBytes(other.toByteArray())).toByteArray());
            first.close();
            try (FrontEnd second = connect()) {
                assertThat(second.getQueueNum()).as("round %d", i).isEqualTo(2);
            }
            backEnd.awaitGone();
            backEnd.awaitGone();
        }
        assertThat(backEnd.log().complaints()).isEmpty();
    }
}
