package sluice.vdev.io;

import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;

/**
 * Calls back on a loop when a descriptor becomes readable: an eventfd, a listening socket, a signalfd. Edge-triggered,
 * so an eventfd need not be read. It owns the descriptor.
 */
public final class EventWatch implements EpollIoHandle, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventWatch.class);
    private static final EpollIoOps EVENTS = EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET);

    private final Fd fd;
    private final FileDescriptor descriptor;
    private final Runnable action;
    private @Nullable IoRegistration registration;
    private boolean closed;

    private EventWatch(Fd fd, Runnable action) {
        this.fd = fd;
        this.descriptor = new FileDescriptor(fd.number());
        this.action = action;
    }

    /**
     * Starts watching {@code fd}; if it is readable already, {@code action} is called soon. Called on the loop.
     *
     * <p>An exception of the action is logged; the watch continues.
     */
    public static EventWatch start(IoEventLoop loop, Fd fd, Runnable action) {
        EventWatch watch = new EventWatch(fd, action);
        loop.register(watch).addListener(future -> {
            if (future.isSuccess()) {
                watch.begin((IoRegistration) future.getNow());
            } else {
                LOG.error("cannot watch descriptor {}", fd, future.cause());
                watch.close();
            }
        });
        return watch;
    }

    private void begin(IoRegistration fresh) {
        if (closed) {
            fresh.cancel();
            return;
        }
        registration = fresh;
        fresh.submit(EVENTS);
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration source, IoEvent event) {
        if (closed)
            return;
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            // If it were rethrown, Netty would pause the loop for a second.
            LOG.error("handling an event failed", e);
        }
    }

    /** Ends the watch and closes the descriptor. Called on the loop. */
    @Override
    public void close() {
        if (closed)
            return;
        closed = true;
        IoRegistration current = registration;
        registration = null;
        if (current != null)
            current.cancel();
        fd.close();
    }
}
