package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class UnixSocketTest {
    private static final MemorySegment MANY = Arena.ofAuto().allocate(1 << 20);
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM = 2;
    private static final int SOCK_SEQPACKET = 5;

    @TempDir
    private Path directory;
    private int before;

    @BeforeEach
    void countDescriptors() {
        before = Fd.openCount();
    }

    @AfterEach
    void nothingLeaked() {
        assertThat(Fd.openCount()).isEqualTo(before);
    }

    @Test
    void connectsAndAccepts() throws Exception {
        Path path = directory.resolve("s");
        try (Fd listener = UnixSocket.listen(path, 4)) {
            assertThat(UnixSocket.accept(listener)).isNull();
            try (Fd client = UnixSocket.connect(path)) {
                assertThat(TestCalls.awaitReadable(listener, Duration.ofSeconds(10))).isTrue();
                try (Fd server = Objects.requireNonNull(UnixSocket.accept(listener))) {
                    for (Fd socket : List.of(listener, client, server)) {
                        assertThat(TestCalls.isCloseOnExec(socket)).isTrue();
                        assertThat(TestCalls.isNonBlocking(socket)).isTrue();
                    }
                    TestCalls.sendText(client, "hi");
                    assertThat(TestCalls.awaitReadable(server, Duration.ofSeconds(10))).isTrue();
                }
            }
        }
    }

    @Test
    void theFileIsPrivateWhateverTheUmask() throws Exception {
        Path path = directory.resolve("s");
        int umask = TestCalls.umask(0);
        try (Fd listener = UnixSocket.listen(path, 1)) {
            assertThat(FileStatus.of(listener).isSocket()).isTrue();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).isEqualTo("rw-------");
        } finally {
            TestCalls.umask(umask);
        }
    }

    /** listen() is fchmod, bind, listen: seen between the last two, the file is private already. */
    @Test
    void theFileIsPrivateFromTheMomentOfBind() throws Exception {
        Path path = directory.resolve("s");
        int umask = TestCalls.umask(0);
        try (Fd socket = socket(Sockets.SOCK_STREAM); Arena arena = Arena.ofConfined()) {
            Sockets.FCHMOD.orThrow(Sockets.FCHMOD.call(socket.number(), 0600));
            UnixAddress address = UnixAddress.of(path, arena);
            Sockets.BIND.orThrow(Sockets.BIND.call(socket.number(), address.segment().address(), address.length()));
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).isEqualTo("rw-------");
        } finally {
            TestCalls.umask(umask);
        }
    }

    @Test
    void aStaleSocketFileIsReplaced() throws Exception {
        Path path = directory.resolve("s");
        UnixSocket.listen(path, 1).close();
        assertThat(path).exists();
        MemfdTest.assertFails(Errno.ECONNREFUSED, "connect", () -> UnixSocket.connect(path));
        try (Fd listener = UnixSocket.listen(path, 1); Fd client = UnixSocket.connect(path)) {
            assertThat(client.isOpen()).isTrue();
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void aLiveSocketIsLeftAlone() throws Exception {
        Path path = directory.resolve("s");
        try (Fd listener = UnixSocket.listen(path, 1)) {
            assertRefused("another process listens there", path);
            try (Fd client = UnixSocket.connect(path)) {
                assertThat(client.isOpen()).isTrue();
            }
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void aListenerOfAnotherTypeIsLeftAlone() throws Exception {
        Path path = directory.resolve("s");
        try (Fd socket = socket(SOCK_SEQPACKET); Arena arena = Arena.ofConfined()) {
            UnixAddress address = UnixAddress.of(path, arena);
            Sockets.BIND.orThrow(Sockets.BIND.call(socket.number(), address.segment().address(), address.length()));
            Sockets.LISTEN.orThrow(Sockets.LISTEN.call(socket.number(), 1));
            assertRefused("another process listens there", path);
        }
    }

    @Test
    void aListenerWithAFullBacklogIsLive() throws Exception {
        Path path = directory.resolve("s");
        List<Fd> clients = new ArrayList<>();
        try (Fd listener = UnixSocket.listen(path, 1)) {
            MemfdTest.assertFails(Errno.EAGAIN, "connect", () -> {
                for (int i = 0; i < 10; i++) {
                    clients.add(UnixSocket.connect(path));
                }
            });
            assertThat(clients).isNotEmpty();
            assertRefused("another process listens there", path);
            assertThat(listener.isOpen()).isTrue();
        } finally {
            clients.forEach(Fd::close);
        }
    }

    @Test
    void otherFilesAreLeftAlone() throws Exception {
        Path file = Files.writeString(directory.resolve("f"), "precious");
        assertRefused("a file exists there that is not a socket", file);
        assertThat(file).hasContent("precious");
        Path link = Files.createSymbolicLink(directory.resolve("l"), directory.resolve("nowhere"));
        assertRefused("a file exists there that is not a socket", link);
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertRefused("a file exists there that is not a socket", directory);
    }

    @Test
    void pathsOfTheWrongLength() throws Exception {
        Path fits = directory.resolve("x".repeat(107 - directory.toString().length() - 1));
        assertThat(fits.toString()).hasSize(107);
        try (Fd listener = UnixSocket.listen(fits, 1); Fd client = UnixSocket.connect(fits)) {
            assertThat(client.isOpen()).isTrue();
            assertThat(listener.isOpen()).isTrue();
        }
        Path tooLong = Path.of(fits + "x");
        assertRefused("1 to 107 bytes, but this one has 108", tooLong);
        assertThatThrownBy(() -> UnixSocket.connect(tooLong)).isInstanceOf(IOException.class)
                .hasMessageContaining("108");
        assertRefused("1 to 107 bytes, but this one has 0", Path.of(""));
    }

    @Test
    void failuresNameTheCall() throws Exception {
        Path nowhere = directory.resolve("no/such/directory/s");
        MemfdTest.assertFails(Errno.ENOENT, "bind", () -> UnixSocket.listen(nowhere, 1));
        MemfdTest.assertFails(Errno.ENOENT, "connect", () -> UnixSocket.connect(nowhere));
        assertThatThrownBy(() -> UnixSocket.listen(directory.resolve("s"), 0))
                .isInstanceOf(IllegalArgumentException.class);
        try (Fd memory = Memfd.create("test", 0)) {
            MemfdTest.assertFails(Errno.ENOTSOCK, "accept4", () -> UnixSocket.accept(memory));
            MemfdTest.assertFails(Errno.ENOTSOCK, "getsockopt", () -> UnixSocket.peer(memory));
            MemfdTest.assertFails(Errno.ENOTSOCK, "shutdown", () -> UnixSocket.shutdown(memory));
        }
    }

    @Test
    void knowsThePeer() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second()) {
            UnixSocket.PeerCredentials peer = UnixSocket.peer(first);
            assertThat((long) peer.pid()).isEqualTo(ProcessHandle.current().pid());
            assertThat(peer.uid()).isEqualTo(Files.getAttribute(directory, "unix:uid"));
            assertThat(peer.gid()).isEqualTo(Files.getAttribute(directory, "unix:gid"));
            assertThat(UnixSocket.peer(second)).isEqualTo(peer);
        }
    }

    @Test
    void makesADescriptorNonBlocking() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second()) {
            Fcntl.call(first, Fcntl.F_SETFL, 0);
            assertThat(TestCalls.isNonBlocking(first)).isFalse();
            UnixSocket.setNonBlocking(first);
            UnixSocket.setNonBlocking(first);
            assertThat(TestCalls.isNonBlocking(first)).isTrue();
            assertThat(TestCalls.isNonBlocking(second)).isTrue();
        }
    }

    @Test
    void makesADescriptorBlocking() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second()) {
            UnixSocket.setBlocking(first);
            UnixSocket.setBlocking(first);
            assertThat(TestCalls.isNonBlocking(first)).isFalse();
            assertThat(TestCalls.isNonBlocking(second)).isTrue();
        }
    }

    @Test
    void aLargerSendBufferTakesMore() throws Exception {
        long[] taken = new long[2];
        for (int i = 0; i < 2; i++) {
            UnixSocket.Pair pair = UnixSocket.pair();
            try (Fd sender = pair.first(); Fd receiver = pair.second(); SocketMessage message = new SocketMessage(1)) {
                UnixSocket.setSendBuffer(sender, 32_768 << (2 * i));
                message.add(MANY, 0, MANY.byteSize());
                taken[i] = message.send(sender);
                assertThat(receiver.isOpen()).isTrue();
            }
        }
        assertThat(taken[1]).isGreaterThan(taken[0]);
    }

    @Test
    void shutdownEndsBothDirections() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first();
                Fd second = pair.second();
                SocketMessage message = new SocketMessage(1);
                Arena arena = Arena.ofConfined()) {
            UnixSocket.shutdown(first);
            UnixSocket.shutdown(first);
            long address = arena.allocate(1).address();
            assertThat(message.receive(first, address, 1)).isEqualTo(SocketMessage.END);
            assertThat(message.receive(second, address, 1)).isEqualTo(SocketMessage.END);
            MemfdTest.assertFails(Errno.EPIPE, "sendmsg", () -> TestCalls.sendText(second, "x"));
        }
        try (Fd unconnected = socket(Sockets.SOCK_STREAM)) {
            UnixSocket.shutdown(unconnected);
        }
    }

    private static void assertRefused(String sentence, Path path) {
        assertThatThrownBy(() -> UnixSocket.listen(path, 1)).isInstanceOf(IOException.class)
                .hasMessageContaining(sentence).hasMessageContaining("\"" + path + "\"");
    }

    private static Fd socket(int type) throws ErrnoException {
        return Fd.own((int) Sockets.SOCKET.orThrow(Sockets.SOCKET.call(Sockets.AF_UNIX, type, 0)));
    }

    @Test
    void tellsAStreamOfThisFamilyFromEverythingElse() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first();
                Fd second = pair.second();
                Fd event = EventFd.create();
                Fd datagrams = TestCalls.socket(Sockets.AF_UNIX, SOCK_DGRAM);
                Fd internet = TestCalls.socket(AF_INET, Sockets.SOCK_STREAM)) {
            assertThat(UnixSocket.isUnixStream(first)).isTrue();
            assertThat(UnixSocket.isUnixStream(second)).isTrue();
            assertThat(UnixSocket.isUnixStream(event)).isFalse();
            assertThat(UnixSocket.isUnixStream(datagrams)).isFalse();
            assertThat(UnixSocket.isUnixStream(internet)).as("close(2) of it may linger").isFalse();
        }
    }

    @Test
    void tellsAConnectionWhoseOtherEndIsOurs() throws Exception {
        Path path = directory.resolve("socket");
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd listener = UnixSocket.listen(path, 1);
                Fd client = UnixSocket.connect(path);
                Fd first = pair.first();
                Fd second = pair.second();
                Fd alone = TestCalls.socket(Sockets.AF_UNIX, Sockets.SOCK_STREAM)) {
            assertThat(UnixSocket.leadsBackToUs(client)).as("not accepted yet").isTrue();
            try (Fd accepted = Objects.requireNonNull(UnixSocket.accept(listener))) {
                assertThat(UnixSocket.leadsBackToUs(client)).isTrue();
                assertThat(UnixSocket.leadsBackToUs(accepted)).as("its client has no name").isFalse();
            }
            assertThat(UnixSocket.leadsBackToUs(first)).as("a pair, as front-ends make").isFalse();
            assertThat(UnixSocket.leadsBackToUs(second)).isFalse();
            assertThat(UnixSocket.leadsBackToUs(alone)).as("not connected").isFalse();
        }
    }
}
