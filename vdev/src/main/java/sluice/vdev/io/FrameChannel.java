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
 * <p>It reads exactly the header, then exactly the body. The kernel delivers descriptors with the chunk that they were
 * sent in, but merges it with the chunks before, so a larger read could attribute descriptors to the wrong message.
 * Each message goes up the pipeline as one {@link Frame}; outgoing messages are {@link Outgoing}. When the peer closes
 * between two messages, a {@link ChannelInputShutdownEvent} is fired before the channel is closed.
 *
 * <p>Netty's own UNIX channel cannot do this: in its descriptor mode it drops the payload.
 */
public final class FrameChannel extends AbstractChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false);
    private static final EpollIoOps EVENTS = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLOUT)
            .with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLET);
    /** Data, end of stream or an error: read() returns which one. */
    private static final EpollIoOps TO_READ = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLRDHUP).with(EpollIoOps.EPOLLERR);
    /** Messages read in one turn of the loop, unless they take longer than the time below. */
    private static final int FRAMES_PER_TURN = 64;
    private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    /** Time limit for the rest of a message after its first byte; peers send a message in one call. */
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
     * @param socket a connected stream socket, owned by the channel; no call on it blocks, even if the socket is in
     * blocking mode
     * @param gatherLimit the most pieces of one {@link Outgoing} sent in one call, 1 to 1024
     * @param disposal closes the socket and the descriptors that no handler took; counts received descriptors: the
     * channel is closed when they exceed the limit
     */
    public FrameChannel(Fd socket, FrameFormat format, int gatherLimit, Disposal disposal) {
        super(null);
        this.socket = socket;
        this.disposal = disposal;
        this.descriptor = new FileDescriptor(socket.number());
        this.reader = new FrameReader(socket, format, disposal);
        this.outgoing = new SocketMessage(gatherLimit);
        // Netty would count each message as 8 bytes, and report the channel as writable with megabytes pending.
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
        // The edge for data that arrived while reading was stopped is lost; submitting again creates a new one.
        current.submit(EVENTS);
    }

    @Override
    protected void doDeregister() {
        // Cancelled before the descriptor is closed: its number may be reused immediately.
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
     * Reads messages until the socket is empty, the turn is over, or the handler has switched autoRead off. The next
     * turn comes through epoll: a task that posts itself would run repeatedly before the loop polls other sockets.
     */
    private void readTurn() {
        read(FRAMES_PER_TURN, TURN_NANOS);
    }

    /**
     * Reads and delivers one message, if one has arrived. For a handler that receives a message on another socket and
     * must process the messages sent on this one first. On the channel's loop.
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
     * Descriptors of an incomplete message are not processed, and one of them may be the peer's end of this connection,
     * which then never reaches end of stream.
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
     * Whether a failure means only that the peer has disconnected or the channel is closed; each pending message fails
     * with it.
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

    /** The channel's registration with epoll. Must not throw: Netty would pause the loop for a second. */
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
