package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SocketMessageTest {
    private int before;
    private Fd near;
    private Fd far;
    private SocketMessage message;
    private Arena arena;
    private MemorySegment buffer;

    @BeforeEach
    void connect() throws Exception {
        before = Fd.openCount();
        UnixSocket.Pair pair = UnixSocket.pair();
        near = pair.first();
        far = pair.second();
        message = new SocketMessage(8);
        arena = Arena.ofShared();
        buffer = arena.allocate(64 << 10, 8);
    }

    @AfterEach
    void closeAllAndCount() {
        message.close();
        near.close();
        far.close();
        arena.close();
        assertThat(Fd.openCount()).isEqualTo(before);
    }

    @Test
    void gathersPiecesInOrder() throws Exception {
        MemorySegment text = arena.allocateFrom("one two three");
        message.add(text, 4, 3);
        message.add(text, 0, 0);
        message.add(text.address(), 3);
        message.add(text, 8, 5);
        assertThat(message.send(near)).isEqualTo(11);
        assertThat(receiveText(100)).isEqualTo("twoonethree");
        assertThat(receive(1)).isEqualTo(SocketMessage.WOULD_BLOCK);
        message.clear();
        message.add(text, 0, 3);
        assertThat(message.send(near)).isEqualTo(3);
        assertThat(message.receive(far, buffer, 10, 3)).isEqualTo(3);
        assertThat(buffer.asSlice(10, 3).mismatch(text.asSlice(0, 3))).isEqualTo(-1);
    }

    @Test
    void anEmptyMessageSendsNothing() throws Exception {
        assertThat(message.send(near)).isZero();
        assertThat(receive(1)).isEqualTo(SocketMessage.WOULD_BLOCK);
    }

    @Test
    void severalDescriptorsTravelInOrder() throws Exception {
        List<Fd> events = new ArrayList<>();
        for (int i = 0; i < SocketMessage.MAX_FDS; i++) {
            events.add(EventFd.create());
        }
        message.add(buffer, 0, 20);
        message.attach(events.toArray(Fd[]::new));
        assertThat(message.send(near)).isEqualTo(20);

        assertThat(receive(20)).isEqualTo(20);
        assertThat(message.fdCount()).isEqualTo(SocketMessage.MAX_FDS);
        List<Fd> received = message.takeFds();
        assertThat(message.fdCount()).isZero();
        assertThat(message.takeFds()).isEmpty();
        assertThat(received).hasSize(SocketMessage.MAX_FDS);
        for (int i = 0; i < received.size(); i++) {
            assertThat(TestCalls.isCloseOnExec(received.get(i))).isTrue();
            for (int signal = 0; signal <= i; signal++) {
                EventFd.signal(received.get(i));
            }
            assertThat(EventFd.drain(events.get(i))).isEqualTo(i + 1);
        }
        received.forEach(Fd::close);
        events.forEach(Fd::close);
    }

    /** The kernel ends a read behind a chunk with descriptors but joins it with what came before. */
    @Test
    void aLargeReadGivesDescriptorsToTheWrongMessage() throws Exception {
        queueFiveMessages();
        assertThat(List.of(readWithFds(64 << 10), readWithFds(64 << 10), readWithFds(64 << 10)))
                .containsExactly("36B/1fd", "16B/1fd", "36B/0fd");
    }

    @Test
    void exactReadsKeepDescriptorsWithTheirMessage() throws Exception {
        queueFiveMessages();
        assertThat(List.of(readWithFds(12), readWithFds(8), readWithFds(12), readWithFds(4), readWithFds(12),
                readWithFds(4), readWithFds(12), readWithFds(12), readWithFds(12))).containsExactly("12B/0fd", "8B/0fd",
                        "12B/1fd", "4B/0fd", "12B/1fd", "4B/0fd", "12B/0fd", "12B/0fd", "12B/0fd");
        assertThat(receive(1)).isEqualTo(SocketMessage.WOULD_BLOCK);
    }

    @Test
    void tooManyDescriptorsAreAllClosed() throws Exception {
        for (int count : new int[]{ 33, 100, 253 }) {
            int open = Fd.openCount();
            UnixSocket.Pair probe = UnixSocket.pair();
            try (Fd witness = probe.second()) {
                int[] fds = new int[count];
                Arrays.fill(fds, probe.first().number());
                TestCalls.sendWithFds(near, new byte[20], fds);
                probe.first().close();

                assertThatThrownBy(() -> receive(20)).isInstanceOf(IOException.class)
                        .hasMessageContaining("more than 32 descriptors").hasMessageContaining("MSG_CTRUNC");
                assertThat(message.fdCount()).isZero();
                assertThat(Fd.openCount()).isEqualTo(open + 1);
                // The kernel's view: every copy of the other end is gone, so the stream ends.
                assertThat(message.receive(witness, buffer.address(), 1)).isEqualTo(SocketMessage.END);
            }
        }
    }

    @Test
    void descriptorsThatPileUpAreAllClosed() throws Exception {
        UnixSocket.Pair probe = UnixSocket.pair();
        try (Fd witness = probe.second()) {
            int[] fds = new int[20];
            Arrays.fill(fds, probe.first().number());
            TestCalls.sendWithFds(near, new byte[1], fds);
            TestCalls.sendWithFds(near, new byte[1], fds);
            probe.first().close();
            assertThat(receive(1)).isEqualTo(1);
            assertThat(message.fdCount()).isEqualTo(20);
            assertThatThrownBy(() -> receive(1)).isInstanceOf(IOException.class)
                    .hasMessageContaining("40 descriptors with the parts of one message");
            assertThat(message.receive(witness, buffer.address(), 1)).isEqualTo(SocketMessage.END);
        }
    }

    @Test
    void closingClosesWhatNobodyTook() throws Exception {
        UnixSocket.Pair probe = UnixSocket.pair();
        try (Fd witness = probe.second(); SocketMessage receiver = new SocketMessage(1)) {
            message.add(buffer, 0, 1);
            message.attach(probe.first());
            assertThat(message.send(near)).isEqualTo(1);
            probe.first().close();
            try (SocketMessage closing = new SocketMessage(1)) {
                assertThat(closing.receive(far, buffer.address(), 1)).isEqualTo(1);
                assertThat(closing.fdCount()).isEqualTo(1);
                assertThat(receiver.receive(witness, buffer.address(), 1)).isEqualTo(SocketMessage.WOULD_BLOCK);
            }
            assertThat(receiver.receive(witness, buffer.address(), 1)).isEqualTo(SocketMessage.END);
        }
    }

    @Test
    void sendsInPartsUntilItWouldBlock() throws Exception {
        int size = 4 << 20;
        MemorySegment source = arena.allocate(size);
        for (int i = 0; i < size; i++) {
            source.set(JAVA_BYTE, i, (byte) ((i * 31) >> 3));
        }
        int sent = 0;
        int received = 0;
        int partial = 0;
        int blocked = 0;
        try (Fd event = EventFd.create()) {
            message.attach(event);
            while (received < size) {
                while (sent < size) {
                    message.add(source, sent, size - sent);
                    long n = message.send(near);
                    message.clear();
                    if (n == SocketMessage.WOULD_BLOCK) {
                        blocked++;
                        break;
                    }
                    assertThat(n).isPositive();
                    partial += n < size - sent ? 1 : 0;
                    sent += (int) n;
                }
                int n;
                while ((n = receive(64 << 10)) > 0) {
                    assertThat(MemorySegment.mismatch(buffer, 0, n, source, received, received + n)).isEqualTo(-1);
                    received += n;
                }
                assertThat(n).isEqualTo(SocketMessage.WOULD_BLOCK);
            }
        }
        assertThat(partial).isPositive();
        assertThat(blocked).isPositive();
        assertThat(message.takeFds()).singleElement().satisfies(Fd::close);
    }

    @Test
    void descriptorsGoOutOnceAndStayAttachedWhileBlocked() throws Exception {
        try (Fd event = EventFd.create()) {
            while (true) {
                message.clear();
                message.add(buffer, 0, buffer.byteSize());
                if (message.send(near) == SocketMessage.WOULD_BLOCK) {
                    break;
                }
            }
            message.attach(event);
            assertThat(message.send(near)).isEqualTo(SocketMessage.WOULD_BLOCK);
            while (receive(64 << 10) > 0) {
                assertThat(message.fdCount()).isZero();
            }
            // The composed message is untouched by these receives.
            assertThat(message.send(near)).isEqualTo(buffer.byteSize());
            assertThat(message.send(near)).isPositive();
            while (receive(64 << 10) > 0) {
                assertThat(message.fdCount()).isEqualTo(1);
            }
            message.takeFds().forEach(Fd::close);
        }
    }

    @Test
    void endsAndResets() throws Exception {
        TestCalls.sendText(near, "unread");
        far.close();
        MemfdTest.assertFails(Errno.ECONNRESET, "recvmsg", () -> message.receive(near, buffer.address(), 1));
        message.add(buffer, 0, 1);
        MemfdTest.assertFails(Errno.EPIPE, "sendmsg", () -> message.send(near));
        assertThat(message.receive(near, buffer.address(), 1)).isEqualTo(SocketMessage.END);
    }

    @Test
    void badAddressesAreErrorsOfTheCall() throws Exception {
        message.add(8L, 8L);
        MemfdTest.assertFails(Errno.EFAULT, "sendmsg", () -> message.send(near));
        TestCalls.sendText(near, "x");
        MemfdTest.assertFails(Errno.EFAULT, "recvmsg", () -> message.receive(far, 8, 1));
        try (Fd memory = Memfd.create("test", 0)) {
            MemfdTest.assertFails(Errno.ENOTSOCK, "recvmsg", () -> message.receive(memory, buffer.address(), 1));
            MemfdTest.assertFails(Errno.ENOTSOCK, "sendmsg", () -> message.send(memory));
        }
    }

    @Test
    void limitsOfAMessage() throws Exception {
        assertThatThrownBy(() -> new SocketMessage(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new SocketMessage(1025)).isInstanceOf(IllegalArgumentException.class);
        try (SocketMessage most = new SocketMessage(SocketMessage.MAX_CAPACITY)) {
            for (int i = 0; i < SocketMessage.MAX_CAPACITY; i++) {
                assertThat(most.isFull()).isFalse();
                most.add(buffer, i, 1);
            }
            assertThat(most.isFull()).isTrue();
            assertThatThrownBy(() -> most.add(buffer, 0, 1)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("at most 1024");
            most.add(buffer, 0, 0);
            assertThat(most.send(near)).isEqualTo(1024);
        }
        assertThatThrownBy(() -> receive(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> message.add(buffer.address(), -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> message.add(buffer, buffer.byteSize(), 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> message.add(buffer, -1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> message.add(MemorySegment.ofArray(new byte[8]), 0, 8))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("native");
        assertThatThrownBy(() -> message.receive(far, buffer.asReadOnly(), 0, 8))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("read-only");
        Arena closed = Arena.ofShared();
        MemorySegment gone = closed.allocate(8);
        closed.close();
        assertThatThrownBy(() -> message.add(gone, 0, 8)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void descriptorsThatCannotBeSent() throws Exception {
        try (Fd event = EventFd.create()) {
            Fd[] many = new Fd[SocketMessage.MAX_FDS + 1];
            Arrays.fill(many, event);
            assertThatThrownBy(() -> message.attach(many)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("at most 32");
            message.attach(event);
            assertThatThrownBy(() -> message.send(near)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("byte");
            message.add(buffer, 0, 1);
        }
        assertThatThrownBy(() -> message.send(near)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThat(receive(1)).isEqualTo(SocketMessage.WOULD_BLOCK);
    }

    @Test
    void aClosedMessageIsOfNoUse() {
        message.close();
        assertThatThrownBy(() -> receive(1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> message.send(near)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void steadyStateAllocatesNothing() throws Exception {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int rounds = 20_000;
        List<Long> windows = new ArrayList<>();
        // Interpreted and C1 code allocates; compiled by C2, which takes some windows on a busy machine, it must not.
        while (windows.size() < 20 && (windows.isEmpty() || windows.getLast() >= rounds)) {
            long start = threads.getCurrentThreadAllocatedBytes();
            exchange(rounds);
            windows.add(threads.getCurrentThreadAllocatedBytes() - start);
        }
        assertThat(windows.getLast()).as("bytes allocated in each %s rounds: %s", rounds, windows).isLessThan(rounds);
    }

    private void exchange(int rounds) throws IOException {
        for (int i = 0; i < rounds; i++) {
            message.clear();
            message.add(buffer, 0, 20);
            message.add(buffer, 64, 12);
            long sent = message.send(near);
            int received = message.receive(far, buffer, 128, 32);
            if (sent != 32 || received != 32 || message.fdCount() != 0) {
                throw new IOException("sent " + sent + ", received " + received);
            }
        }
    }

    private void queueFiveMessages() throws IOException {
        try (Fd event = EventFd.create()) {
            int[] one = { event.number() };
            int[] none = {};
            TestCalls.sendWithFds(near, new byte[20], none);
            TestCalls.sendWithFds(near, new byte[16], one);
            TestCalls.sendWithFds(near, new byte[16], one);
            TestCalls.sendWithFds(near, new byte[12], none);
            TestCalls.sendWithFds(near, new byte[24], none);
        }
    }

    private String readWithFds(int length) throws IOException {
        int n = receive(length);
        List<Fd> fds = message.takeFds();
        fds.forEach(Fd::close);
        return n + "B/" + fds.size() + "fd";
    }

    private int receive(int length) throws IOException {
        return message.receive(far, buffer.address(), length);
    }

    private String receiveText(int length) throws IOException {
        int n = receive(length);
        byte[] bytes = buffer.asSlice(0, n).toArray(JAVA_BYTE);
        return new String(bytes, StandardCharsets.US_ASCII);
    }
}
