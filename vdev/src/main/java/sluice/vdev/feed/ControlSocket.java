package sluice.vdev.feed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.vdev.input.InputDevice;
import sluice.vdev.io.SocketFile;

/** The socket on which scripts and tests send {@link ControlCommand}s to a device; for its owner only (mode 0600). */
final class ControlSocket implements Closeable {
    /** The most clients at a time. */
    static final int MOST_CLIENTS = 8;
    private static final int CLOSE_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(ControlSocket.class);

    private final InputDevice device;
    private final SocketFile file;
    private final Channel listening;
    private final ChannelGroup clients;

    private ControlSocket(InputDevice device, SocketFile file, Channel listening, EventLoop loop) {
        this.device = device;
        this.file = file;
        this.listening = listening;
        clients = new DefaultChannelGroup(loop);
    }

    /**
     * Starts to listen.
     *
     * @param loop of the device
     * @throws IOException the path is too long or in use, or the socket cannot be created
     */
    static ControlSocket open(Path path, InputDevice device, EventLoop loop) throws IOException {
        Fd socket = SocketFile.listen(path, MOST_CLIENTS);
        SocketFile file;
        try {
            file = SocketFile.of(path);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        Channel listening = new EpollServerDomainSocketChannel(socket.release(), true);
        ControlSocket control = new ControlSocket(device, file, listening, loop);
        listening.pipeline().addLast(control.new Accepting());
        loop.register(listening);
        return control;
    }

    private final class Accepting extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object accepted) {
            Channel client = (Channel) accepted;
            if (clients.size() < MOST_CLIENTS) {
                clients.add(client);
                client.pipeline().addLast(new ControlClient(device, client, () -> clients.remove(client)));
                context.channel().eventLoop().register(client);
                return;
            }
            context.channel().eventLoop().register(client).addListener(_ -> client
                    .writeAndFlush(client.alloc().buffer().writeBytes("error: %d clients are connected already%n"
                            .formatted(MOST_CLIENTS).getBytes(StandardCharsets.UTF_8)))
                    .addListener(ChannelFutureListener.CLOSE));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            LOG.error("{}: accepting a client failed: {}", file.path(), cause.getMessage());
        }
    }

    /** Removes the socket, and disconnects its clients. Not on the device's loop. */
    @Override
    public void close() throws IOException {
        file.remove();
        listening.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        clients.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
}
