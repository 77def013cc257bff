package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;

/**
 * A listening socket that serves one front-end at a time, because a device has one guest. A second front-end waits
 * briefly, in case the first is disconnecting; then its connection is closed.
 */
public final class Listener implements AutoCloseable {
    /** Time limit for releasing all resources of a front-end that disconnects. */
    private static final int PATIENCE_MILLIS = 500;
    /** Delay before a failed accept is retried; the connection stays pending, and epoll does not report it again. */
    private static final int RETRY_MILLIS = 100;
    /** Rejected front-ends, with connections that are still to be closed. */
    private static final int MAX_LEAVING = 16;
    private static final Logger LOG = LoggerFactory.getLogger(Listener.class);

    /** Null for a socket that somebody else has made. */
    private final @Nullable SocketFile file;
    private final String name;
    private final Endpoint endpoint;
    private final IoEventLoop control;
    private final Runnable frontEndGone;
    private final Fd socket;
    private final Promise<Void> ended;
    private final PeerLog log = new PeerLog(LOG);
    private final Disposal disposal = new Disposal(Budget.ofProcess().own());
    private @Nullable EventWatch watch;
    private @Nullable Channel served;
    private @Nullable Fd waiting;
    private boolean closing;
    private @Nullable Future<?> retry;
    private @Nullable Future<?> patience;

    private Listener(@Nullable SocketFile file, String name, Fd socket, Endpoint endpoint, IoEventLoop control,
            Runnable frontEndGone) {
        this.file = file;
        this.name = name;
        this.socket = socket;
        this.endpoint = endpoint;
        this.control = control;
        this.frontEndGone = frontEndGone;
        this.ended = control.newPromise();
    }

    /**
     * Starts listening on {@code path}.
     *
     * @param access who may connect
     * @param frontEndGone runs on the control loop each time a front-end has disconnected
     * @throws IOException if the path is too long or in use, or the socket cannot be created
     */
    public static Listener open(Path path, SocketAccess access, Endpoint endpoint, IoEventLoop control,
            Runnable frontEndGone) throws IOException {
        return of(BoundSocket.listen(path, access), endpoint, control, frontEndGone);
    }

    /**
     * Accepts front-ends on a socket of this process, and those that have connected already.
     *
     * @param bound is owned by the listener, and its file, too
     */
    public static Listener of(BoundSocket bound, Endpoint endpoint, IoEventLoop control, Runnable frontEndGone) {
        return started(new Listener(bound.file(), bound.path().toString(), bound.socket(), endpoint, control,
                frontEndGone));
    }

    /**
     * Accepts front-ends on a socket that listens already.
     *
     * @param socket is owned by the listener
     * @param name of the socket in messages
     * @throws IOException it cannot be used without blocking
     */
    public static Listener of(Fd socket, String name, Endpoint endpoint, IoEventLoop control, Runnable frontEndGone)
            throws IOException {
        UnixSocket.setNonBlocking(socket);
        return started(new Listener(null, name, socket, endpoint, control, frontEndGone));
    }

    private static Listener started(Listener listener) {
        listener.control.execute(listener::start);
        return listener;
    }

    private void start() {
        watch = EventWatch.start(control, socket, this::accept);
    }

    private void accept() {
        while (!closing) {
            if (disposal.pending() >= MAX_LEAVING) {
                retryLater();
                return;
            }
            Fd peer;
            try {
                peer = UnixSocket.accept(socket);
            } catch (ErrnoException e) {
                log.error("accepting a front-end failed, it has to wait: {}", e.getMessage());
                retryLater();
                return;
            }
            if (peer == null) return;
            if (served == null) {
                served = endpoint.serve(peer, control, this::gone);
            } else if (waiting == null) {
                waiting = peer;
                patience = control.schedule(() -> {
                    Fd late = takeWaiting();
                    if (late != null) sendAway(late);
                }, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            } else {
                sendAway(peer);
            }
        }
    }

    private void retryLater() {
        if (retry != null) return;
        retry = control.schedule(() -> {
            retry = null;
            accept();
        }, RETRY_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void sendAway(Fd peer) {
        log.warn("rejected a second front-end at {}: the device is in use", name);
        letGo(peer);
    }

    private void letGo(Fd peer) {
        try {
            // shutdown() notifies the peer at once, even if close() takes long.
            UnixSocket.shutdown(peer);
        } catch (ErrnoException e) {
            LOG.debug("a rejected front-end could not be notified: {}", e.getMessage());
        }
        disposal.close(peer);
    }

    private @Nullable Fd takeWaiting() {
        Fd taken = waiting;
        waiting = null;
        Future<?> timer = patience;
        patience = null;
        if (timer != null) timer.cancel(false);
        return taken;
    }

    private void gone() {
        served = null;
        frontEndGone.run();
        Fd next = takeWaiting();
        if (next != null) {
            served = endpoint.serve(next, control, this::gone);
        } else if (closing) {
            ended.setSuccess(null);
        }
    }

    /** Done when this is closed and all resources of the last front-end are released. */
    public Future<Void> ended() {
        return ended;
    }

    /** Removes the socket file, if it is still ours; disconnects the current front-end. On any thread, once. */
    @Override
    public void close() {
        try {
            if (file != null) file.remove();
        } catch (IOException e) {
            LOG.warn("the socket {} could not be removed: {}", name, e.getMessage());
        }
        control.execute(() -> {
            closing = true;
            EventWatch open = watch;
            if (open != null) open.close();
            Fd next = takeWaiting();
            if (next != null) letGo(next);
            Channel channel = served;
            if (channel != null) {
                channel.close();
            } else {
                ended.setSuccess(null);
            }
        });
    }
}
