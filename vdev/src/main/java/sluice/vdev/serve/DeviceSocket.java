package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Path;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** The source of a device's front-end. */
sealed interface DeviceSocket {
    /** Nobody will serve it: a front-end that has connected sees its end, and the file is removed. */
    default void abandon() throws IOException {
        if (this instanceof Listening listening) listening.socket().abandon();
    }

    /** Front-ends connect to this socket of ours, one after the other. */
    record Listening(BoundSocket socket) implements DeviceSocket {}

    /** Front-ends connect to this socket, which whoever started this process has made, one after the other. */
    record Activated(Fd socket, String name) implements DeviceSocket {}

    /** The front-end is the peer of this socket; no other follows. */
    record Inherited(Fd socket) implements DeviceSocket {}

    /**
     * Opens {@code socket-path} or {@code fd}, exactly one of which is present. From here on a front-end can connect.
     *
     * @throws IOException the descriptor is not a socket, or nobody can listen on the path
     * @throws WrongOptionException the value is not a path, or not a number
     */
    static DeviceSocket open(DeviceOptions options) throws IOException, WrongOptionException {
        Path path = options.path("socket-path");
        SocketAccess access = access(options);
        if (path != null) return new Listening(BoundSocket.listen(path, access));
        int number = (int) options.number("fd", -1, Integer.MIN_VALUE, Integer.MAX_VALUE);
        Fd socket = inherited(number);
        return UnixSocket.isListening(socket) ? new Activated(socket, "descriptor " + number) : new Inherited(socket);
    }

    /**
     * Parses {@code socket-mode} and {@code socket-group}.
     *
     * @throws WrongOptionException the mode is none, or there is no socket file
     */
    static SocketAccess access(DeviceOptions options) throws WrongOptionException {
        String mode = options.text("socket-mode");
        String group = options.text("socket-group");
        if (mode == null && group == null) return SocketAccess.OWNER;
        if (!options.isGiven("socket-path"))
            throw new WrongOptionException(
                    "socket-mode and socket-group need socket-path: only a socket file has them");
        return new SocketAccess(mode == null ? 0660 : mode(mode), group);
    }

    private static int mode(String given) throws WrongOptionException {
        if (!given.matches("0?[67][0-7][0-7]")) {
            throw new WrongOptionException(
                    "socket-mode=%s: give permissions in octal, from 0600 to 0777, such as 0660".formatted(given));
        }
        return Integer.parseInt(given, 8);
    }

    private static Fd inherited(int number) throws IOException {
        if (number < 0) throw new IOException("--fd=" + number + " is not a descriptor");
        Fd owned = Fd.own(number);
        try {
            if (!FileStatus.of(owned).isSocket()) throw new IOException("--fd=" + number + " is not a socket");
            return owned;
        } catch (IOException e) {
            // Not a socket passed to us: it must not be closed here.
            int unused = owned.release();
            throw new IOException("--fd=%d cannot be used: %s".formatted(unused, e.getMessage()), e);
        }
    }
}
