package sluice.vdev.serve;

import java.io.IOException;
import java.util.IdentityHashMap;
import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/**
 * The sockets of devices that are still to be made: front-ends connect, and send what they begin with, while the process gets
 * ready, as with the socket activation of systemd. Whoever makes the devices takes the sockets; those that are left are removed
 * at the end, also if a signal ends the process.
 */
public final class DeviceSockets implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceSockets.class);

    private final IdentityHashMap<DeviceOptions, DeviceSocket> unserved = new IdentityHashMap<>();
    private final Thread hook = new Thread(() -> {
        abandonAll();
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
        Runtime.getRuntime().halt(0); // otherwise the JVM would exit with 143
    }, "sluice-end");

    private DeviceSockets() {}

    /**
     * Opens all or none.
     *
     * @param devices each with exactly one of {@code socket-path} and {@code fd}
     * @throws WrongOptionException an option of a socket has a wrong value
     * @throws IOException a socket cannot be used
     */
    public static DeviceSockets open(List<DeviceCatalog.Chosen> devices) throws IOException, WrongOptionException {
        DeviceSockets sockets = new DeviceSockets();
        Runtime.getRuntime().addShutdownHook(sockets.hook);
        boolean done = false;
        try {
            for (DeviceCatalog.Chosen device : devices) sockets.add(device.options());
            done = true;
            return sockets;
        } finally {
            if (!done) sockets.close();
        }
    }

    private synchronized void add(DeviceOptions options) throws IOException, WrongOptionException {
        unserved.put(options, DeviceSocket.open(options));
    }

    /** Gives all of them to a process that removes them at its end, whatever ends it; none if a signal has come first. */
    synchronized IdentityHashMap<DeviceOptions, DeviceSocket> take() {
        if (!isWithdrawn()) return new IdentityHashMap<>();
        IdentityHashMap<DeviceOptions, DeviceSocket> taken = new IdentityHashMap<>(unserved);
        unserved.clear();
        return taken;
    }

    /** Whether the hook will not run. */
    private boolean isWithdrawn() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
            return true;
        } catch (IllegalStateException shuttingDown) {
            return false;
        }
    }

    /** Removes those that nobody has taken. */
    @Override
    public void close() {
        abandonAll();
        if (!isWithdrawn()) LOG.debug("a signal ends the process");
    }

    private synchronized void abandonAll() {
        unserved.values().forEach(DeviceSockets::abandon);
        unserved.clear();
    }

    static void abandon(DeviceSocket socket) {
        try {
            socket.abandon();
        } catch (IOException e) {
            LOG.warn("a socket could not be removed: {}", e.getMessage());
        }
    }
}
