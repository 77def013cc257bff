package sluice.vdev.plugin;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;

/** A device with all that it needs to be served. Its methods are called on the main thread, or on that which ends the process. */
public interface DeviceServer extends AutoCloseable {
    /**
     * Serves front-ends that connect to {@code path}, one after the other.
     *
     * @throws IOException no socket can be made there
     */
    void listen(Path path) throws IOException;

    /**
     * Serves the front-end at the other end of {@code socket}, which is the server's from now on.
     *
     * @param gone runs on any thread when the front-end has gone and everything of its was given back
     */
    void serve(Fd socket, Runnable gone);

    /** What to tell a user who wants to attach the device to a VM by the socket at {@code path}. */
    String hint(Path path) throws InterruptedException;

    /** SIGUSR2 has come: shows what there is to be seen, if anything. On any thread. */
    default void show() {}

    /** Gives the front-end up, removes the socket, and gives back what the device holds. May be called more than once. */
    @Override
    void close();

    /** Why {@link #close} could not do all it should, or null. */
    @Nullable
    String failure();
}
