package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.vdev.host.Loops;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.Listener;

/** A process that serves one device on a socket until it is told to end, or until its only front-end goes. */
final class ServerProcess {
    private static final int CLOSE_SECONDS = 5;

    private final IoEventLoop control = Loops.start("sluice-control");
    private final Endpoint endpoint;
    private final CountDownLatch end = new CountDownLatch(1);
    private @Nullable Listener listener;
    private @Nullable Promise<Void> inheritedGone;
    private @Nullable Channel inherited;
    private @Nullable String failure;
    private boolean closed;

    ServerProcess(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    /**
     * Serves a device.
     *
     * @param socketPath where to listen, or null
     * @param inheritedSocket the socket to serve, or null; one of the two is there
     * @param hint is printed when front-ends may connect
     * @param closing runs at the end, when the last front-end has let go of the device
     * @throws IOException the socket cannot be made, or the device could not be closed
     */
    void run(@Nullable Path socketPath, @Nullable Fd inheritedSocket, String hint, Runnable closing)
            throws IOException, InterruptedException {
        Thread hook = new Thread(() -> {
            close(closing);
            // A JVM would otherwise exit with 143. Nothing is logged any more: the logging has a hook of its own.
            if (failure != null) System.err.println("sluice: " + failure);
            Runtime.getRuntime().halt(failure == null ? 0 : 1);
        }, "sluice-end");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            if (inheritedSocket != null) {
                serve(inheritedSocket);
            } else if (socketPath != null) {
                listener = Listener.open(socketPath, endpoint, control, () -> {});
                System.out.println("listening on " + socketPath);
                System.out.println(hint);
                System.out.flush();
            }
            end.await();
        } finally {
            withdraw(hook);
            close(closing);
        }
        if (failure != null) throw new IOException(failure);
    }

    private static void withdraw(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // A signal was faster: the hook ends the process, and this thread has nothing left to do.
            Thread.currentThread().interrupt();
        }
    }

    private void serve(Fd socket) {
        Promise<Void> gone = control.newPromise();
        inheritedGone = gone;
        control.execute(() -> inherited = endpoint.serve(socket, control, () -> {
            gone.setSuccess(null);
            end.countDown();
        }));
    }

    private synchronized void close(Runnable closing) {
        if (closed) return;
        closed = true;
        dismissFrontEnd();
        closing.run();
        Loops.stop(control);
        end.countDown();
    }

    /** Before the loops end: what a front-end has given us is given back. */
    private void dismissFrontEnd() {
        Future<?> gone = inheritedGone;
        Listener open = listener;
        if (open != null) {
            gone = open.ended();
            open.close();
        } else {
            control.execute(() -> {
                Channel channel = inherited;
                if (channel != null) channel.close();
            });
        }
        if (gone != null && !gone.awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS))
            failure = "the device did not let go of its front-end within %d s".formatted(CLOSE_SECONDS);
    }

    /**
     * The socket that a parent has left open under this number.
     *
     * @throws IOException if there is none
     */
    static Fd inherited(int number) throws IOException {
        if (number < 0) throw new IOException("--fd=" + number + " is no descriptor");
        Fd owned = Fd.own(number);
        try {
            if (!FileStatus.of(owned).isSocket()) throw new IOException("--fd=" + number + " is no socket");
            return owned;
        } catch (IOException e) {
            // Not ours after all: it must not be closed in our name.
            int unused = owned.release();
            throw new IOException("--fd=%d cannot be used: %s".formatted(unused, e.getMessage()), e);
        }
    }
}
