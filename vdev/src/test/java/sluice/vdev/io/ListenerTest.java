package sluice.vdev.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SocketMessage;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.loopback.ClockedLoop;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** One front-end at a time: who comes meanwhile waits for half a second of its own, and is then sent away. */
@Timeout(60)
class ListenerTest {
    private static final int PATIENCE_MILLIS = 500;

    @TempDir
    private Path folder;

    private final LogTap log = new LogTap();
    private ClockedLoop control;
    private final List<Served> served = new CopyOnWriteArrayList<>();
    private int fdsBefore;
    private int gone;
    private Path path;
    private Listener listener;

    /** A front-end that is not served; {@code gone} reports its disconnect. */
    private record Served(Fd socket, Runnable gone) {}

    /** Sockets that are not read. */
    private final class Deaf implements Endpoint {
        @Override
        public Channel serve(Fd socket, EventLoop loop, Runnable whenGone) {
            served.add(new Served(socket, whenGone));
            return new EmbeddedChannel();
        }
    }

    @BeforeEach
    void listen() throws IOException {
        fdsBefore = Fd.openCount();
        control = new ClockedLoop("listener-control");
        path = folder.resolve("socket");
        listener = Listener.open(path, SocketAccess.OWNER, new Deaf(), control.loop(), () -> gone++);
        control.settle();
    }

    @AfterEach
    void end() {
        if (Files.exists(path)) listener.close();
        control.settle();
        control.close();
        log.close();
        served.forEach(one -> one.socket.close());
        Deadline.requireOwned(fdsBefore);
    }

    private Fd connect() throws IOException {
        int before = served.size();
        Fd peer = UnixSocket.connect(path);
        UnixSocket.setNonBlocking(peer);
        control.settle();
        assertThat(served.size()).isLessThanOrEqualTo(before + 1);
        return peer;
    }

    /** The {@code index}-th that was served has gone, and everything of its is given back. */
    private void goes(int index) {
        control.loop().execute(served.get(index).gone);
        control.settle();
    }

    private static boolean isSentAway(Fd peer) throws IOException {
        try (SocketMessage message = new SocketMessage(1);
                Arena arena = Arena.ofConfined()) {
            return message.receive(peer, arena.allocate(1), 0, 1) == SocketMessage.END;
        }
    }

    @Test
    void aSocketThatListensAlreadyIsServedAndStays() throws Exception {
        Path made = folder.resolve("made");
        Listener other = Listener.of(UnixSocket.listen(made, 1), "descriptor 3", new Deaf(), control.loop(),
                () -> gone++);
        control.settle();
        try (Fd peer = UnixSocket.connect(made)) {
            control.settle();
            assertThat(served).hasSize(1);
            assertThat(peer.isOpen()).isTrue();
            other.close();
            control.settle();
            goes(0);
        }
        assertThat(made).as("it is its maker's").exists();
    }

    @Test
    void whoComesMeanwhileIsSentAwayAfterHalfASecondAndNotBefore() throws Exception {
        try (Fd first = connect(); Fd second = connect()) {
            assertThat(served).hasSize(1);
            control.advance(PATIENCE_MILLIS - 1, TimeUnit.MILLISECONDS);
            assertThat(isSentAway(second)).isFalse();
            control.advance(1, TimeUnit.MILLISECONDS);
            assertThat(isSentAway(second)).isTrue();
            assertThat(isSentAway(first)).isFalse();
            assertThat(log.count("rejected a second front-end at " + path)).isEqualTo(1);
            goes(0);
            assertThat(served).as("who was sent away").hasSize(1);
        }
    }

    @Test
    void whoWaitsIsServedWhenTheOtherHasGone() throws Exception {
        try (Fd first = connect(); Fd second = connect()) {
            control.advance(PATIENCE_MILLIS - 1, TimeUnit.MILLISECONDS);
            goes(0);
            assertThat(served).hasSize(2);
            assertThat(gone).isEqualTo(1);
            control.advance(2 * PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            assertThat(isSentAway(second)).isFalse();
            assertThat(isSentAway(first)).as("its socket is the endpoint's").isFalse();
            assertThat(log.complaints()).isEmpty();
        }
    }

    /** The time of one that waits does not end another's. */
    @Test
    void eachWaitsForATimeOfItsOwn() throws Exception {
        try (Fd first = connect(); Fd second = connect()) {
            control.advance(PATIENCE_MILLIS - 100, TimeUnit.MILLISECONDS);
            goes(0);
            try (Fd third = connect()) {
                control.advance(PATIENCE_MILLIS - 1, TimeUnit.MILLISECONDS);
                assertThat(isSentAway(third)).isFalse();
                goes(1);
                assertThat(served).hasSize(3);
                control.advance(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
                assertThat(isSentAway(third)).isFalse();
            }
            assertThat(isSentAway(first) || isSentAway(second)).isFalse();
        }
    }

    @Test
    void onlyOneWaits() throws Exception {
        try (Fd first = connect(); Fd second = connect(); Fd third = connect()) {
            assertThat(isSentAway(third)).isTrue();
            assertThat(isSentAway(second)).isFalse();
            assertThat(isSentAway(first)).isFalse();
            goes(0);
            assertThat(served).hasSize(2);
        }
    }

    @Test
    void whoWaitsWhenItEndsIsSentAwayAndTheEndIsWhenTheLastHasGone() throws Exception {
        try (Fd first = connect(); Fd second = connect()) {
            listener.close();
            assertThat(path).doesNotExist();
            control.settle();
            assertThat(isSentAway(second)).isTrue();
            assertThat(isSentAway(first)).isFalse();
            assertThat(listener.ended().isDone()).as("one is still served").isFalse();
            goes(0);
            assertThat(served).hasSize(1);
            assertThat(listener.ended().isSuccess()).isTrue();
        }
    }

    @Test
    void whatServesNobodyEndsAtOnce() {
        listener.close();
        Deadline.in(Deadline.USUAL).require(() -> listener.ended().isSuccess(), "the end");
        assertThat(gone).isZero();
    }
}
