package sluice.vdev.cli;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;

import sluice.vdev.host.Loops;
import sluice.vdev.plugin.DeviceServer;

/**
 * A process that serves devices until it is told to end, or until there is none left that a front-end could come to: those
 * at an inherited socket end with their only front-end. All share one control loop and each has a loop of its own, so
 * what happens to one does not happen to the others.
 */
final class ServerProcess implements AutoCloseable {
    private final IoEventLoop control = Loops.start("sluice-control");
    private final List<DeviceServer> servers = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private final CountDownLatch end = new CountDownLatch(1);
    /** Devices whose front-end may still come or go, and one for {@link #run}. */
    private final AtomicInteger awaited = new AtomicInteger(1);
    /** What is closed when the devices are. */
    private final List<Closeable> held = new ArrayList<>();
    private @Nullable String failure;
    private boolean closed;

    /** The loop on which all sockets are served. */
    IoEventLoop control() {
        return control;
    }

    /** Closes something at the end, when no device uses it any more. */
    void hold(Closeable thing) {
        held.add(thing);
    }

    /**
     * Serves one more device from now on; the process ends it.
     *
     * @throws IOException the socket cannot be made
     */
    void add(DeviceServer server, DeviceSocket socket) throws IOException, InterruptedException {
        servers.add(server);
        awaited.incrementAndGet();
        switch (socket) {
            case DeviceSocket.Inherited inherited -> server.serve(inherited.socket(), this::oneLess);
            case DeviceSocket.Listening listening -> {
                server.listen(listening.path());
                told.add("listening on " + listening.path());
                told.add(server.hint(listening.path()));
            }
        }
    }

    private void oneLess() {
        if (awaited.decrementAndGet() == 0) end.countDown();
    }

    /**
     * Tells which sockets front-ends may connect to, and returns at the end, when the last front-end has let go.
     *
     * @throws IOException a device could not be closed
     */
    void run() throws IOException, InterruptedException {
        Thread hook = new Thread(() -> {
            close();
            // A JVM would otherwise exit with 143. Nothing is logged any more: the logging has a hook of its own.
            if (failure != null) ErrorOutput.ofProcess().write("sluice: %s%n".formatted(failure));
            ErrorOutput.ofProcess().flush(Main.LAST_LINES);
            Runtime.getRuntime().halt(failure == null ? 0 : 1);
        }, "sluice-end");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            PictureSignal.watch(control, () -> servers.forEach(DeviceServer::show));
            told.forEach(System.out::println);
            System.out.flush();
            oneLess();
            end.await();
        } finally {
            withdraw(hook);
            close();
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

    /** Ends all that was added. */
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        for (DeviceServer server : servers) server.close();
        failure = servers.stream().map(DeviceServer::failure).filter(Objects::nonNull).findFirst().orElse(null);
        for (Closeable thing : held) {
            try {
                thing.close();
            } catch (IOException e) {
                if (failure == null) failure = "the recording could not be ended: " + e.getMessage();
            }
        }
        Loops.stop(control);
        end.countDown();
    }
}
