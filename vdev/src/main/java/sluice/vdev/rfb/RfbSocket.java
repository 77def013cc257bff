package sluice.vdev.rfb;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.io.EventWatch;
import sluice.vdev.io.PeerLog;
import sluice.vdev.io.SocketFile;

/** A listening socket for viewers: a TCP port, or a UNIX socket of mode 0600. */
sealed interface RfbSocket {
    int BACKLOG = 8;
    Logger LOG = LoggerFactory.getLogger(RfbSocket.class);

    /** Where viewers connect. */
    RfbAddress address();

    /** Ends it; on the loop. Connections remain. */
    void close();

    /**
     * Listens.
     *
     * @param accepted receives each connection on the loop, before anything is read from it
     * @throws IOException the address is in use, or there is no such one; the message names it
     */
    static RfbSocket open(RfbAddress address, IoEventLoop loop, PeerLog log, Consumer<Channel> accepted)
            throws IOException {
        return switch (address) {
            case RfbAddress.Tcp tcp -> Tcp.open(tcp, loop, accepted);
            case RfbAddress.Unix unix -> Unix.open(unix, loop, log, accepted);
        };
    }

    /** A TCP port, which Netty serves. */
    record Tcp(Channel channel, RfbAddress address) implements RfbSocket {
        /** After which the kernel gives up on a peer that acknowledges nothing. */
        private static final int TIMEOUT_MILLIS = 60_000;
        private static final int BIND_SECONDS = 5;

        private static Tcp open(RfbAddress.Tcp address, IoEventLoop loop, Consumer<Channel> accepted)
                throws IOException {
            ChannelFuture bound = new ServerBootstrap().group(loop, loop).channel(EpollServerSocketChannel.class)
                    .option(ChannelOption.SO_REUSEADDR, true).option(ChannelOption.SO_BACKLOG, BACKLOG)
                    .childOption(ChannelOption.TCP_NODELAY, true).childOption(ChannelOption.SO_KEEPALIVE, true)
                    .childOption(EpollChannelOption.TCP_USER_TIMEOUT, TIMEOUT_MILLIS)
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            accepted.accept(channel);
                        }
                    }).bind(address.socket());
            if (!bound.awaitUninterruptibly(BIND_SECONDS, TimeUnit.SECONDS) || !bound.isSuccess()) {
                Throwable cause = bound.cause();
                throw new IOException("viewers cannot be served at %s: %s".formatted(address,
                        cause == null ? "it takes too long" : cause.getMessage()), cause);
            }
            return new Tcp(bound.channel(), new RfbAddress.Tcp((InetSocketAddress) bound.channel().localAddress()));
        }

        @Override
        public void close() {
            channel.close();
        }
    }

    /** A UNIX socket; Netty would create its file with the mode of the umask. */
    final class Unix implements RfbSocket {
        /** Until an accept that has failed is tried again: epoll does not report the connection again. */
        private static final int RETRY_MILLIS = 100;

        private final RfbAddress.Unix address;
        private final SocketFile file;
        private final Fd socket;
        private final IoEventLoop loop;
        private final PeerLog log;
        private final Consumer<Channel> accepted;
        private @Nullable EventWatch watch;
        private boolean isClosed;

        private Unix(RfbAddress.Unix address, SocketFile file, Fd socket, IoEventLoop loop, PeerLog log,
                Consumer<Channel> accepted) {
            this.address = address;
            this.file = file;
            this.socket = socket;
            this.loop = loop;
            this.log = log;
            this.accepted = accepted;
        }

        private static Unix open(RfbAddress.Unix address, IoEventLoop loop, PeerLog log, Consumer<Channel> accepted)
                throws IOException {
            Fd socket = SocketFile.listen(address.path(), BACKLOG);
            boolean isOpen = false;
            try {
                Unix made = new Unix(address, SocketFile.of(address.path()), socket, loop, log, accepted);
                loop.execute(() -> made.watch = EventWatch.start(loop, socket, made::accept));
                isOpen = true;
                return made;
            } finally {
                if (!isOpen) socket.close();
            }
        }

        private void accept() {
            EventLoop events = loop;
            while (!isClosed) {
                Fd peer;
                try {
                    peer = UnixSocket.accept(socket);
                } catch (ErrnoException e) {
                    log.error("accepting a viewer failed, it has to wait: {}", e.getMessage());
                    loop.schedule(this::accept, RETRY_MILLIS, TimeUnit.MILLISECONDS);
                    return;
                }
                if (peer == null) return;
                Channel channel = new EpollDomainSocketChannel(peer.release());
                channel.pipeline().addLast(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel made) {
                        accepted.accept(made);
                    }
                });
                events.register(channel);
            }
        }

        @Override
        public RfbAddress address() {
            return address;
        }

        @Override
        public void close() {
            isClosed = true;
            try {
                file.remove();
            } catch (IOException e) {
                LOG.warn("the socket {} could not be removed: {}", file.path(), e.getMessage());
            }
            EventWatch open = watch;
            if (open != null) open.close();
        }
    }
}
