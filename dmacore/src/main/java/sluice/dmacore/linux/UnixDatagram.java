package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * Datagram sockets of the family AF_UNIX, unix(7): whole messages, none of which is lost. {@link SocketMessage} sends and
 * receives. All sockets created here are non-blocking and close-on-exec.
 */
public final class UnixDatagram {
    private UnixDatagram() {}

    /**
     * A socket that sends to another one.
     *
     * @param path 1 to 107 bytes long
     * @throws ErrnoException such as ENOENT (no such file), ECONNREFUSED (nobody receives), EACCES, EPROTOTYPE (a stream)
     * @throws IOException the path is too long
     */
    public static Fd connect(Path path) throws IOException {
        Fd socket = newSocket();
        boolean isConnected = false;
        try (Arena arena = Arena.ofConfined()) {
            UnixAddress address = UnixAddress.of(path, arena);
            Sockets.CONNECT.orThrow(Sockets.CONNECT.callThroughSignals(socket.number(), address.segment().address(),
                    address.length()));
            isConnected = true;
            return socket;
        } finally {
            if (!isConnected) socket.close();
        }
    }

    /**
     * A socket that receives what is sent to a path.
     *
     * @param path 1 to 107 bytes long, of no file
     * @throws ErrnoException such as EADDRINUSE, ENOENT (no such folder)
     * @throws IOException the path is too long
     */
    public static Fd bind(Path path) throws IOException {
        Fd socket = newSocket();
        boolean isBound = false;
        try (Arena arena = Arena.ofConfined()) {
            UnixAddress address = UnixAddress.of(path, arena);
            Sockets.BIND.orThrow(Sockets.BIND.call(socket.number(), address.segment().address(), address.length()));
            isBound = true;
            return socket;
        } finally {
            if (!isBound) socket.close();
        }
    }

    private static Fd newSocket() throws ErrnoException {
        return Fd.own((int) Sockets.SOCKET.orThrow(Sockets.SOCKET.call(Sockets.AF_UNIX,
                Sockets.SOCK_DGRAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0)));
    }
}
