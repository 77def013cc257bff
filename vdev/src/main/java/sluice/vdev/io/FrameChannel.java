package sluice.vdev.io;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;

import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SocketMessage;

/**
 * A connected UNIX stream socket that carries framed messages and descriptors.
 *
 * <p>It reads exactly the header, then exactly the body. The kernel hands out descriptors with the chunk they were sent
 * in but joins chunks before it, so a larger read could attach a message's descriptors to its neighbour. Each message
 * goes up the pipeline as one {@link Frame}; what goes out is {@link Outgoing}. When the peer goes between two messages a
 * {@link ChannelInputShutdownEvent} comes before the channel is closed.
 *
 * <p>Netty's own UNIX channel cannot do this: in its descriptor mode it drops the payload.
 */
public final class FrameChannel extends AbstractChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false);
    private static final EpollIoOps EVENTS = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLOUT)
            .with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLET);
    /** Bytes, the end of the stream, or an error: any of them is found by reading. */
    private static final EpollIoOps TO_READ = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLERR);
    /** Messages read before others on the loop get their turn, if they take no longer than the time below. */
    private static final int FRAMES_PER_TURN = 64;
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    /** How long a message that has begun may take to be whole: a peer sends one in one call. */
    private static final int WHOLE_SECONDS = 5;
    private static final DomainSocketAddress UNNAMED = new DomainSocketAddress("unnamed");

    private final Fd socket;
    private final Disposal disposal;
    private final FileDescriptor descriptor;
    private final FrameReader reader;
    private final ChannelConfig config = new DefaultChannelConfig(this);
    private final Handle handle = new Handle();
    private final SocketMessage outgoing;
    private @Nullable IoRegistration registration;
    private boolean open = true;

    private long frames;
    private @Nullable Future<?> patience;

    /**
     * @param socket a connected stream socket, which the channel owns from now on; no call on it ever waits, whether the
     *        socket itself is non-blocking or not
     * @param gatherLimit the most pieces of one {@link Outgoing} sent in one call, 1 to 1024
     * @param disposal closes the socket, and the descriptors that came and were not taken; it counts those that come, and the
     *        channel is closed by the first that are too many
     */
    public FrameChannel(Fd socket, FrameFormat format, int gatherLimit, Disposal disposal) {
        super(null);
        this.socket = socket;
        this.disposal = disposal;
        this.descriptor = new FileDescriptor(socket.number());
        this.reader = new FrameReader(socket, format, disposal);
        this.outgoing = new SocketMessage(gatherLimit);
        // Netty would count each message as 8 bytes, and call the channel writable with megabytes waiting.
        config.setMessageSizeEstimator(() -> message -> ((Outgoing) message).ownedBytes());
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new FrameUnsafe();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return loop instanceof IoEventLoop io && io.isCompatible(Handle.class);
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        ((IoEventLoop) eventLoop()).register(handle).addListener(future -> {
            if (future.isSuccess()) {
                registration = (IoRegistration) future.getNow();
                promise.setSuccess();
            } else {
                promise.setFailure(future.cause());
            }
        });
    }

    @Override
    protected void doBeginRead() {
        IoRegistration current = registration;
        if (current == null)
            return;
        // Where reading was stopped, the edge of what has come meanwhile is over; to submit again makes another.
        current.submit(EVENTS);
    }

    @Override
    protected void doDeregister() {
        // Cancelled before the descriptor is closed: its number may be somebody else's a moment later.
        IoRegistration current = registration;
        registration = null;
        if (current != null)
            current.cancel();
    }

    @Override
    protected void doClose() {
        open = false;
        doDeregister();
        disposal.close(socket);
        reader.close();
        stopWaiting();
        outgoing.close();
    }

    /**
     * Reads messages until the socket is empty, others are due, or its handler has stopped it (autoRead). The next turn
     * comes through epoll: a task that posts itself is run again and again before the loop looks at another socket.
     */
    private void readTurn() {
        read(FRAMES_PER_TURN, TURN_NANOS);
    }

    /**
     * Hands on one message, if one has come by now. For a handler to which the peer has said something on another socket, and
     * which has to know first what it said here before. On the channel's loop.
     *
     * @return whether there was one
     */
    public boolean readNow() {
        long before = frames;
        if (registration != null) read(1, Long.MAX_VALUE);
        return frames != before;
    }

    private void read(int most, long nanos) {
        try {
            long began = System.nanoTime();
            for (int i = 0; i < most && isReading() && System.nanoTime() - began < nanos; i++) {
                Frame frame = reader.read(alloc());
                if (frame == null) {
                    requireWholeSoon();
                    return;
                }
                frames++;
                pipeline().fireChannelRead(frame);
            }
            IoRegistration current = registration;
            if (isReading() && current != null)
                current.submit(EVENTS);
        } catch (FrameReader.EndOfStream e) {
            pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
            unsafe().close(voidPromise());
        } catch (IOException e) {
            pipeline().fireExceptionCaught(e);
            unsafe().close(voidPromise());
        }
    }

    /**
     * A message that stays unfinished keeps its descriptors from being looked at, and one of them may be the peer's own end
     * of this connection, which then never ends.
     */
    private void requireWholeSoon() {
        if (!reader.isInMessage() || patience != null)
            return;
        long waitingFor = frames;
        patience = eventLoop().schedule(() -> {
            patience = null;
            if (!isReading())
                return;
            if (frames != waitingFor) {
                requireWholeSoon();
                return;
            }
            pipeline().fireExceptionCaught(new ProtocolViolation(
                    "a message was incomplete after %d s".formatted(WHOLE_SECONDS)));
            unsafe().close(voidPromise());
        }, WHOLE_SECONDS, TimeUnit.SECONDS);
    }

    private void stopWaiting() {
        Future<?> timer = patience;
        patience = null;
        if (timer != null)
            timer.cancel(false);
    }

    private boolean isReading() {
        return open && config.isAutoRead();
    }

    /**
     * Whether a failure says no more than that the peer has gone, or that the channel is closed: what was still to be
     * sent finds that out message by message.
     */
    public static boolean isPeerGone(Throwable failure) {
        if (failure instanceof ErrnoException e) return e.errno() == Errno.EPIPE || e.errno() == Errno.ECONNRESET;
        return failure instanceof ClosedChannelException;
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer buffer) throws IOException {
        while (true) {
            Outgoing message = (Outgoing) buffer.current();
            if (message == null)
                return;
            outgoing.clear();
            message.gather(outgoing);
            long count = outgoing.send(socket);
            if (count == SocketMessage.WOULD_BLOCK)
                return; // the edge-triggered EPOLLOUT comes when there is room
            if (message.sent(count))
                buffer.remove();
        }
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        if (message instanceof Outgoing)
            return message;
        throw new IllegalArgumentException("only Outgoing can be written here, not " + message.getClass());
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    protected SocketAddress localAddress0() {
        return UNNAMED;
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return UNNAMED;
    }

    @Override
    protected void doBind(SocketAddress localAddress) {
        throw new UnsupportedOperationException("the socket is connected already");
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    private final class FrameUnsafe extends AbstractUnsafe {
        @Override
        public void connect(SocketAddress remoteAddress, SocketAddress localAddress, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException("the socket is connected already"));
        }

        void writable() {
            flush0();
        }
    }

    /** What epoll knows of the channel. Nothing may be thrown from here: it would stop the loop for a second. */
    private final class Handle implements EpollIoHandle {
        @Override
        public FileDescriptor fd() {
            return descriptor;
        }

        @Override
        public void handle(IoRegistration source, IoEvent event) {
            try {
                EpollIoOps ready = ((EpollIoEvent) event).ops();
                if (open && ready.contains(EpollIoOps.EPOLLOUT))
                    ((FrameUnsafe) unsafe()).writable();
                if (open && ready.contains(TO_READ))
                    readTurn();
            } catch (RuntimeException | Error e) {
                pipeline().fireExceptionCaught(e);
                unsafe().close(voidPromise());
            }
        }

        @Override
        public void close() {
            unsafe().close(voidPromise());
        }
    }
}
