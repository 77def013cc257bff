package sluice.vdev.rfb;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.vdev.device.InputSink;
import sluice.vdev.device.Report;
import sluice.vdev.host.Loops;
import sluice.vdev.io.PeerLog;

/**
 * The VNC server of a device: a socket for each screen, and one loop for all viewers, which reads pixels, encodes and
 * sends. Its thread is not that of the device.
 */
public final class RfbServer implements Closeable {
    /** Bytes to be sent at which the next rectangle waits, and from which it is sent again. */
    private static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(128 << 10, 512 << 10);
    private static final long TICK_MILLIS = 200;
    private static final int CLOSE_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(RfbServer.class);

    private final String name;
    private final RfbLimits limits;
    private final Function<String, InputSink> inputs;
    private final IoEventLoop loop;
    private final PeerLog log = new PeerLog(LOG);
    private final Encoder encoder = new Encoder();
    /** On the loop. */
    private final Set<Viewer> viewers = new HashSet<>();
    private final List<RfbSocket> sockets = new ArrayList<>();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong rejected = new AtomicLong();

    private final ViewedDisplay display;

    private RfbServer(String name, ViewedDisplay display, int heads, RfbLimits limits,
            Function<String, InputSink> inputs) {
        this.name = name;
        this.display = display;
        this.limits = limits;
        this.inputs = inputs;
        loop = Loops.start("sluice-vnc-" + name);
        for (int head = 0; head < heads; head++) {
            Screen screen = display.screen(head);
            Runnable pump = () -> pump(screen);
            screen.whenChanged(() -> post(loop, pump));
        }
        loop.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /**
     * A server of the first {@code heads} screens without a socket: viewers are given to it by {@link #serve}. The parameters are
     * those of the other.
     */
    public static RfbServer open(String name, ViewedDisplay display, int heads, RfbLimits limits,
            Function<String, InputSink> inputs) {
        return new RfbServer(name, display, heads, limits, inputs);
    }

    /**
     * Listens for viewers of the first {@code heads} screens.
     *
     * @param name of the device, which viewers show
     * @param address of the first screen; others are at {@link RfbAddress#ofHead}
     * @param security what viewers must know, and whether they are encrypted
     * @param inputs opens the input devices for a viewer, whose name it receives
     * @throws IOException an address is in use, or there is no such one; the message names it
     */
    public static RfbServer open(String name, ViewedDisplay display, int heads, RfbAddress address,
            RfbSecurity security, RfbLimits limits, Function<String, InputSink> inputs) throws IOException {
        RfbServer server = open(name, display, heads, limits, inputs);
        boolean isOpen = false;
        try {
            for (int head = 0; head < heads; head++)
                server.listen(address.ofHead(head), display.screen(head), security);
            isOpen = true;
            return server;
        } finally {
            if (!isOpen) server.close();
        }
    }

    private void listen(RfbAddress address, Screen screen, RfbSecurity security) throws IOException {
        sockets.add(RfbSocket.open(address, loop, log, channel -> accept(channel, screen, security, null)));
    }

    /**
     * Serves a viewer that has proven elsewhere who it is.
     *
     * @param head number of the screen, which this server has
     * @param connection a UNIX stream socket; taken over
     * @param viewer for the log
     */
    public void serve(int head, Fd connection, String viewer) {
        Screen screen = display.screen(head);
        Channel channel = new EpollDomainSocketChannel(connection.release());
        channel.pipeline().addLast(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel opened) {
                accept(opened, screen, RfbSecurity.NONE, viewer);
            }
        });
        EventLoop events = loop;
        events.register(channel).addListener(registered -> {
            if (!registered.isSuccess()) channel.close();
        });
    }

    private void accept(Channel channel, Screen screen, RfbSecurity security, @Nullable String told) {
        if (viewers.size() >= limits.viewers()) {
            rejected.incrementAndGet();
            log.warn("{}: rejected a viewer: {} are connected", name, viewers.size());
            channel.close();
            return;
        }
        channel.config().setWriteBufferWaterMark(WATER_MARK);
        long number = accepted.incrementAndGet();
        SocketAddress peer = channel.remoteAddress();
        String from = peer instanceof InetSocketAddress ? " from " + peer.toString().replaceFirst("^.*/", "") : "";
        String viewer = "%d%s".formatted(number, told == null ? from : " " + told);
        Viewer made = new Viewer(this, screen, viewer, channel, encoder, security);
        viewers.add(made);
        channel.pipeline().addLast(made);
    }

    private void pump(Screen screen) {
        for (Viewer viewer : viewers) {
            if (viewer.screen() == screen) viewer.pump();
        }
    }

    /** Runs a task, unless the loop has ended: then nobody needs it. */
    static void post(Executor loop, Runnable task) {
        try {
            loop.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("the server of viewers has ended", e);
        }
    }

    private void tick() {
        long now = System.nanoTime();
        for (Viewer viewer : List.copyOf(viewers)) viewer.tick(now);
    }

    void gone(Viewer viewer) {
        viewers.remove(viewer);
    }

    String name() {
        return name;
    }

    RfbLimits limits() {
        return limits;
    }

    PeerLog log() {
        return log;
    }

    ViewerInput input(String viewer) {
        return new ViewerInput(inputs.apply("VNC viewer " + viewer));
    }

    /** Where viewers connect, by screen. */
    public List<RfbAddress> addresses() {
        return sockets.stream().map(RfbSocket::address).toList();
    }

    /** Registers its counters. */
    public void register(Report report) {
        Map<String, LongSupplier> counts = new LinkedHashMap<>();
        counts.put("accepted", accepted::get);
        counts.put("rejected", rejected::get);
        report.counters("viewers", "connections", "Connections of VNC viewers; rejected are those over the limit.",
                counts);
    }

    /** Disconnects all viewers and removes the sockets. Blocks for a moment; on no loop. */
    @Override
    public void close() {
        loop.submit(() -> {
            for (RfbSocket socket : sockets) socket.close();
            for (Viewer viewer : List.copyOf(viewers)) viewer.disconnect();
        }).awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
        Loops.stop(loop);
    }
}
