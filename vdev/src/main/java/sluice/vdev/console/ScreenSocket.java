package sluice.vdev.console;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.Screens;

/**
 * A viewer in a browser: its WebSocket's binary messages are a stream of bytes, which is passed to the server of the screen through a
 * pair of UNIX sockets. Each side is read when the other has taken what came before, so a slow one holds up nobody, and
 * the limits of the screen's server hold for this viewer as for any other.
 */
final class ScreenSocket extends ChannelInboundHandlerAdapter {
    static final String PATH = "screens/";
    /** Of noVNC and others: the messages are those of the protocol inside. */
    private static final String PROTOCOL = "binary";

    private final ConsoleServer server;
    private final Peer peer;
    private final Channel viewer;
    private final Channel screen;
    /** Whether a message of the viewer is awaited, and not one being passed on. */
    private boolean awaits;

    private ScreenSocket(ConsoleServer server, Peer peer, Channel screen) {
        this.server = server;
        this.peer = peer;
        this.viewer = peer.channel();
        this.screen = screen;
    }

    /**
     * Answers an upgrade.
     *
     * @param name {@code DEVICE/NUMBER}
     */
    static void open(ConsoleServer server, ChannelHandlerContext context, FullHttpRequest request, String name,
            Peer peer, Requests requests) {
        Screens.Screen found = find(server.watched().screens(), name);
        if (found == null) {
            requests.answer(context, request, Answers.text(HttpResponseStatus.NOT_FOUND, "there is no such screen"));
            return;
        }
        WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory("/", PROTOCOL,
                WebSocketDecoderConfig.newBuilder().allowExtensions(false)
                        .maxFramePayloadLength(server.limits().frame()).build())
                .newHandshaker(request);
        if (handshaker == null || !request.headers().contains(HttpHeaderNames.SEC_WEBSOCKET_KEY)) {
            requests.answer(context, request,
                    Answers.text(HttpResponseStatus.UPGRADE_REQUIRED,
                            "give Sec-WebSocket-Version: 13 and Sec-WebSocket-Key"));
            return;
        }
        Channel screen;
        try {
            UnixSocket.Pair pair = UnixSocket.pair();
            found.server().serve(found.number(), pair.second(), "of the console, from " + peer);
            screen = new EpollDomainSocketChannel(pair.first().release());
        } catch (ErrnoException e) {
            server.log().error("console: a screen cannot be shown: {}", e.getMessage());
            requests.answer(context, request,
                    Answers.text(HttpResponseStatus.SERVICE_UNAVAILABLE, "no descriptor is left"));
            return;
        }
        new ScreenSocket(server, peer, screen).start(context, request, handshaker);
    }

    private static Screens.@Nullable Screen find(Screens screens, String name) {
        int slash = name.lastIndexOf('/');
        String number = name.substring(slash + 1);
        if (slash < 0 || !number.matches("[0-9]{1,2}")) return null;
        return screens.find(name.substring(0, slash), Integer.parseInt(number));
    }

    private void start(ChannelHandlerContext context, FullHttpRequest request, WebSocketServerHandshaker handshaker) {
        screen.config().setOption(ChannelOption.AUTO_READ, false);
        screen.pipeline().addLast(new FromScreen());
        viewer.closeFuture().addListener(_ -> screen.close());
        peer.upgraded();
        context.pipeline().replace(context.handler(), "screen", this);
        handshaker.handshake(viewer, request).addListener(done -> {
            if (done.isSuccess()) {
                join();
            } else {
                viewer.close();
            }
        });
    }

    private void join() {
        viewer.eventLoop().register(screen).addListener(registered -> {
            if (!registered.isSuccess()) {
                viewer.close();
                return;
            }
            readOn();
            screen.read();
        });
    }

    private void readOn() {
        awaits = true;
        viewer.read();
    }

    /** A frame that was not complete in what was read needs another read. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (awaits) viewer.read();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        awaits = false;
        switch (message) {
            case BinaryWebSocketFrame data -> toScreen(data.content());
            case ContinuationWebSocketFrame more -> toScreen(more.content());
            case PingWebSocketFrame ping -> {
                viewer.writeAndFlush(new PongWebSocketFrame(ping.content())).addListener(_ -> readOn());
            }
            case PongWebSocketFrame pong -> {
                pong.release();
                readOn();
            }
            case CloseWebSocketFrame end -> {
                end.release();
                end(WebSocketCloseStatus.NORMAL_CLOSURE);
            }
            case WebSocketFrame other -> {
                other.release();
                end(WebSocketCloseStatus.INVALID_MESSAGE_TYPE);
            }
            default -> ReferenceCountUtil.release(message);
        }
    }

    /** The next message is read when the server of the screen has taken this one. */
    private void toScreen(ByteBuf bytes) {
        screen.writeAndFlush(bytes).addListener(done -> {
            if (done.isSuccess()) readOn();
        });
    }

    private void end(WebSocketCloseStatus status) {
        peer.leaves();
        viewer.writeAndFlush(new CloseWebSocketFrame(status)).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        peer.writability(viewer.isWritable());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof CorruptedWebSocketFrameException) {
            // The decoder has said why to the peer.
            server.log().warn("console: the viewer {} is disconnected: {}", peer, cause.getMessage());
        } else {
            server.failed(peer, cause);
        }
        context.close();
    }

    /** The bytes of the screen's server. */
    private final class FromScreen extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            viewer.writeAndFlush(new BinaryWebSocketFrame((ByteBuf) message)).addListener(done -> {
                if (done.isSuccess()) {
                    screen.read();
                } else {
                    screen.close();
                }
            });
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (viewer.isActive()) end(WebSocketCloseStatus.NORMAL_CLOSURE);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            server.failed(peer, cause);
            context.close();
        }
    }
}
