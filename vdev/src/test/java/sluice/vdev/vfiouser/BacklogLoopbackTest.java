package sluice.vdev.vfiouser;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.NO_REPLY;
import static sluice.vdev.fixture.VfioUserClient.body;

/** A client that sends more than the function's loop gets done: it has to wait, and loses nothing. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class BacklogLoopbackTest {
    private static final int LIMIT_SECONDS = 20;
    /** A register of BAR 0 that does nothing. */
    private static final int REGISTER = 64;
    private static final int MEMORY = 2;
    private static final int BIG = PlainFunction.MEMORY_BYTES;
    /** What the kernel holds of small messages, generously. */
    private static final int IN_SOCKET = 2000;
    private static final int SET_VECTORS = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;

    private final CountDownLatch atWork = new CountDownLatch(1);
    private final AtomicInteger sent = new AtomicInteger();
    private int fdsBefore;
    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;

    @BeforeEach
    void start() throws IOException {
        fdsBefore = Fd.openCount();
        function = new PlainFunction();
        process = new FunctionProcess(function);
        client = process.agreed();
        process.host().loop().execute(this::awaitEndOfWork);
    }

    @AfterEach
    void nothingIsLeft() {
        atWork.countDown();
        client.close();
        process.awaitGone();
        process.close();
        function.close();
        Deadline.requireOwned(fdsBefore);
    }

    private void awaitEndOfWork() {
        try {
            if (!atWork.await(LIMIT_SECONDS, TimeUnit.SECONDS))
                throw new AssertionError("the function is at work for ever");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private interface Message {
        void send(int index) throws IOException;
    }

    /** Sends on another thread, which waits when the socket is full, until nothing more is read from it. */
    private CompletableFuture<Void> sendUntilStopped(int count, Message message) {
        CompletableFuture<Void> all = CompletableFuture.runAsync(() -> {
            try {
                for (int i = 0; i < count; i++) {
                    message.send(i);
                    sent.incrementAndGet();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        Deadline.in(Deadline.USUAL).require(() -> !process.isReading() || all.isDone(), "the end of reading");
        // Reading stops in the middle of the last command that is taken: it is counted before it is handed on.
        process.settleControl();
        assertThat(process.isReading()).as("more is read").isFalse();
        assertThat(all).isNotDone();
        return all;
    }

    private void finish(CompletableFuture<Void> all) throws Exception {
        atWork.countDown();
        all.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        // Its answer says that everything before it is carried out.
        assertThat(client.ask(VfioUserClient.RESET, body(0)).errno()).isZero();
        assertThat(process.isReading()).as("more is read").isTrue();
    }

    private static ByteBuffer write(int region, long offset, int bytes) {
        return body(16 + bytes).putLong(offset).putInt(region).putInt(bytes);
    }

    @Test
    void smallWritesWait() throws Exception {
        int count = 3 * CommandLoad.LIMITS.messages();
        CompletableFuture<Void> all = sendUntilStopped(count,
                index -> client.post(VfioUserClient.REGION_WRITE, NO_REPLY,
                        write(0, REGISTER, 4).putInt(index)));
        assertThat(sent.get()).as("taken, and held by the kernel")
                .isLessThan(CommandLoad.LIMITS.messages() + IN_SOCKET);
        assertThat(process.waitingTasks()).isEqualTo(CommandLoad.LIMITS.messages());
        finish(all);
        assertThat(function.writes.stream().mapToInt(seen -> (int) seen.value()).toArray())
                .as("all of them, in their order").isEqualTo(IntStream.range(0, count).toArray());
    }

    @Test
    void largeWritesWait() throws Exception {
        int count = 5 * CommandLoad.LIMITS.bytes() / BIG;
        CompletableFuture<Void> all = sendUntilStopped(count,
                index -> client.post(VfioUserClient.REGION_WRITE, NO_REPLY,
                        write(MEMORY, 0, BIG).putInt(index)));
        assertThat((long) sent.get() * BIG).as("taken, and held by the kernel")
                .isLessThan(2L * CommandLoad.LIMITS.bytes());
        assertThat(process.waitingTasks()).isEqualTo(CommandLoad.LIMITS.bytes() / BIG);
        finish(all);
        assertThat(client.read32(MEMORY, 0)).isEqualTo(count - 1);
    }

    @Test
    void readsWithLongAnswersWait() throws Exception {
        int count = 5 * CommandLoad.LIMITS.bytes() / BIG;
        CompletableFuture<Void> all = sendUntilStopped(count, index -> client.post(VfioUserClient.REGION_READ, NO_REPLY,
                body(16).putLong(0).putInt(MEMORY).putInt(BIG)));
        assertThat(process.waitingTasks()).isEqualTo(CommandLoad.LIMITS.bytes() / BIG);
        finish(all);
    }

    @Test
    void commandsThatWantAnswersWait() throws Exception {
        CompletableFuture<Void> all = sendUntilStopped(3 * CommandLoad.LIMITS.messages(),
                index -> client.post(VfioUserClient.RESET, 0, body(0)));
        assertThat(process.waitingTasks()).isEqualTo(CommandLoad.LIMITS.messages());
        // Who sends so much has to read as well, which is another rule.
        client.shutdown();
        atWork.countDown();
        assertThat(all).failsWithin(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void eventfdsWait() throws Exception {
        int vectors = PlainFunction.VECTOR_COUNT;
        int count = 8 * CommandLoad.LIMITS.fds() / vectors;
        try (Fd event = EventFd.create()) {
            Fd[] events = new Fd[vectors];
            Arrays.fill(events, event);
            int before = Fd.openCount();
            CompletableFuture<Void> all = sendUntilStopped(count,
                    index -> client.post(VfioUserClient.SET_IRQS, NO_REPLY,
                            body(20).putInt(20).putInt(SET_VECTORS).putInt(VfioUserClient.VECTORS).putInt(0)
                                    .putInt(vectors),
                            events));
            assertThat(Fd.openCount() - before).as("open descriptors more").isEqualTo(CommandLoad.LIMITS.fds());
            finish(all);
            assertThat(Fd.openCount() - before).as("open descriptors more").isEqualTo(vectors);
        }
    }

    /** The lists of one message are one task: a message must not become tens of thousands. */
    @Test
    void aListIsOneTask() throws Exception {
        int writes = 40_000;
        ByteBuffer list = body(8 + 24 * writes).putLong(writes);
        for (int i = 0; i < writes; i++) list.putLong(REGISTER).putInt(0).putInt(4).putLong(i);
        client.post(VfioUserClient.WRITE_MULTI, NO_REPLY, list);
        client.post(VfioUserClient.SET_IRQS, NO_REPLY,
                body(20).putInt(20).putInt(VfioUserClient.DATA_NONE | VfioUserClient.TRIGGER)
                        .putInt(VfioUserClient.VECTORS).putInt(0).putInt(PlainFunction.VECTOR_COUNT));
        assertThat(client.ask(VfioUserClient.GET_INFO, body(16).putInt(16)).errno()).isZero();
        // The writes; the interrupts, and their end.
        assertThat(process.waitingTasks()).isEqualTo(3);
        atWork.countDown();
        assertThat(client.ask(VfioUserClient.RESET, body(0)).errno()).isZero();
        assertThat(function.writes).hasSize(writes);
    }

    @Test
    void aClientThatGoesWhileItWaitsIsLetGo() throws Exception {
        CompletableFuture<Void> all = sendUntilStopped(2 * CommandLoad.LIMITS.messages(),
                index -> client.post(VfioUserClient.REGION_WRITE, NO_REPLY, write(0, REGISTER, 4).putInt(index)));
        client.shutdown();
        atWork.countDown();
        assertThat(all).failsWithin(LIMIT_SECONDS, TimeUnit.SECONDS);
    }
}
