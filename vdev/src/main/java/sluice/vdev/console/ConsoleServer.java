package sluice.vdev.console;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoEventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.host.Loops;
import sluice.vdev.io.AccessToken;
import sluice.vdev.io.PeerLog;
import sluice.vdev.profile.Capture;

/**
 * The console of a process. Its loop, which is not that of a device, accepts, answers, and passes the bytes of screens on.
 */
public final class ConsoleServer implements Closeable {
    private static final int BACKLOG = 64;
    private static final int BIND_SECONDS = 5;
    private static final int CLOSE_SECONDS = 5;
    private static final long TICK_MILLIS = 200;
    private static final long MILLIS = 1_000_000;
    /** Bytes read at once: what is decoded of them waits in memory. */
    private static final int READ_BYTES = 4096;
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(128 << 10, 512 << 10);
    // Seconds after which the kernel asks a silent peer for a sign of life, between two questions, and their number.
    private static final int KEEP_IDLE = 30;
    private static final int KEEP_INTERVAL = 10;
    private static final int KEEP_COUNT = 3;
    private static final int TIMEOUT_MILLIS = 60_000;
    private static final String ALLOWED = "GET, HEAD";
    private static final Logger LOG = LoggerFactory.getLogger(ConsoleServer.class);

    private final Watched watched;
    private final ConsoleLimits limits;
    private final Gate gate;
    private final AccessToken token;
    private final IoEventLoop loop = Loops.start("sluice-console");
    private final PeerLog log = new PeerLog(LOG);
    private final PageData data;
    private final Assets assets = new Assets();
    /** On the loop. */
    private final Set<Peer> peers = new HashSet<>();
    private final Channel channel;
    private int tooMany;
    private long refused;
    private int downloads;

    private ConsoleServer(InetSocketAddress address, AccessToken token, ConsoleLimits limits, Watched watched)
            throws IOException {
        this.watched = watched;
        this.limits = limits;
        this.token = token;
        gate = new Gate(token, address.getAddress().isLoopbackAddress());
        data = new PageData(watched);
        boolean isOpen = false;
        try {
            channel = bind(address);
            loop.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
            isOpen = true;
        } finally {
            if (!isOpen) Loops.stop(loop);
        }
    }

    /**
     * Serves a console until it is closed.
     *
     * @throws IOException the address is in use, or not one of this host; the message names it
     */
    public static ConsoleServer open(InetSocketAddress address, AccessToken token, ConsoleLimits limits,
            Watched watched) throws IOException {
        return new ConsoleServer(address, token, limits, watched);
    }

    private Channel bind(InetSocketAddress address) throws IOException {
        ChannelFuture bound = new ServerBootstrap().group(loop, loop).channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true).option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.AUTO_READ, false).childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(READ_BYTES).maxMessagesPerRead(1))
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childOption(ChannelOption.SO_KEEPALIVE, true).childOption(EpollChannelOption.TCP_KEEPIDLE, KEEP_IDLE)
                .childOption(EpollChannelOption.TCP_KEEPINTVL, KEEP_INTERVAL)
                .childOption(EpollChannelOption.TCP_KEEPCNT, KEEP_COUNT)
                .childOption(EpollChannelOption.TCP_USER_TIMEOUT, TIMEOUT_MILLIS)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel accepted) {
                        accept(accepted);
                    }
                }).bind(address);
        if (bound.awaitUninterruptibly(BIND_SECONDS, TimeUnit.SECONDS) && bound.isSuccess()) return bound.channel();
        Throwable cause = bound.cause();
        throw new IOException("the console cannot be served at %s: %s".formatted(ConsoleAddress.text(address),
                cause == null ? "it takes too long" : cause.getMessage()), cause);
    }

    private void accept(Channel accepted) {
        boolean over = peers.size() - tooMany >= limits.connections();
        if (over && tooMany >= limits.connections()) {
            log.warn("console: closed a connection: {} are open", peers.size());
            refused++;
            accepted.close();
            return;
        }
        Peer peer = new Peer(accepted, over);
        peers.add(peer);
        if (over) tooMany++;
        accepted.closeFuture().addListener(_ -> {
            peers.remove(peer);
            if (over) tooMany--;
        });
        accepted.pipeline().addLast(
                new HttpServerCodec(new HttpDecoderConfig().setMaxInitialLineLength(limits.line())
                        .setMaxHeaderSize(limits.headers()).setMaxChunkSize(READ_BYTES)),
                new HttpObjectAggregator(limits.body(), true), new FlowControlHandler(), new Requests(this, peer));
    }

    private void tick() {
        long now = System.nanoTime();
        for (Peer peer : List.copyOf(peers)) {
            if (!peer.isLate(now, limits)) continue;
            log.info("console: {} is disconnected: it asked for nothing within {} ms, or read no answer within {} ms",
                    peer, limits.request().toMillis(), limits.stall().toMillis());
            peer.channel().close();
        }
    }

    Gate gate() {
        return gate;
    }

    ConsoleLimits limits() {
        return limits;
    }

    Watched watched() {
        return watched;
    }

    PeerLog log() {
        return log;
    }

    /** On the loop: a request was refused. */
    void countRefused() {
        refused++;
    }

    /** A connection has failed, or was not spoken to as it should be. */
    void failed(Peer peer, Throwable cause) {
        if (cause instanceof TooLongFrameException) {
            log.warn("console: {} is disconnected: {}", peer, cause.getMessage());
        } else if (!(cause instanceof IOException)) { // which is the end of a connection
            log.error("console: the connection of {} failed", peer, cause);
        }
    }

    /**
     * The answer to a request that may be made. On the loop.
     *
     * @param path below the token
     * @param uri with the query
     */
    FullHttpResponse answer(HttpMethod method, String path, String uri) {
        if (path.equals("show")) return show(method);
        for (Capture capture : watched.captures()) {
            String name = capture.kind().label();
            if (path.equals(name + "/start")) return started(method, capture);
            if (path.equals(name + "/stop")) return stopped(method, capture);
        }
        if (!method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) return Answers.notAllowed(ALLOWED);
        return switch (path) {
            case "metrics" -> Requests.metrics(watched);
            case "state.json" -> Answers.json(data.state(refused, peers.size()));
            case "buffers.json" -> data.buffers(uri);
            default -> {
                Assets.Asset asset = assets.find(path);
                yield asset == null
                        ? Answers.text(HttpResponseStatus.NOT_FOUND, "there is no such page")
                        : Answers.of(HttpResponseStatus.OK, asset.type(), asset.bytes());
            }
        };
    }

    /** The file of this name that a capture has left, or null. On the loop. */
    Capture.@Nullable Written file(String name) {
        for (Capture capture : watched.captures()) {
            for (Capture.Written file : capture.status().files())
                if (file.name().equals(name)) return file;
        }
        return null;
    }

    /** Begins to send a file on a thread of its own, unless there are too many; {@link #sent} is to follow. On the loop. */
    boolean start(Runnable download) {
        if (downloads == limits.downloads()) return false;
        downloads++;
        Thread.ofPlatform().daemon().name("sluice-download").start(download);
        return true;
    }

    /** A file is sent, or cannot be. On the loop. */
    void sent() {
        downloads--;
    }

    private FullHttpResponse show(HttpMethod method) {
        if (!method.equals(HttpMethod.POST)) return Answers.notAllowed("POST");
        watched.show();
        return Answers.text(HttpResponseStatus.ACCEPTED, "each device writes its pictures and its report");
    }

    private static FullHttpResponse started(HttpMethod method, Capture capture) {
        if (!method.equals(HttpMethod.POST)) return Answers.notAllowed("POST");
        return capture.start()
                ? Answers.text(HttpResponseStatus.ACCEPTED, "it starts")
                : Answers.text(HttpResponseStatus.CONFLICT, "it has been started already");
    }

    private static FullHttpResponse stopped(HttpMethod method, Capture capture) {
        if (!method.equals(HttpMethod.POST)) return Answers.notAllowed("POST");
        return capture.stop()
                ? Answers.text(HttpResponseStatus.ACCEPTED, "it ends, and is written")
                : Answers.text(HttpResponseStatus.CONFLICT, "it is not running");
    }

    /** The address of the page, with the token. */
    public String url() {
        return "http://%s/%s/".formatted(ConsoleAddress.text(address()), token.text());
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return (InetSocketAddress) channel.localAddress();
    }

    /** Disconnects everybody. Blocks for a moment; on no loop. */
    @Override
    public void close() {
        long began = System.nanoTime();
        loop.submit(() -> {
            channel.close();
            for (Peer peer : List.copyOf(peers)) peer.channel().close();
        }).awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        Loops.stop(loop);
        LOG.debug("the console was closed in {} ms", (System.nanoTime() - began) / MILLIS);
    }
}
