package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import static java.lang.foreign.ValueLayout.JAVA_INT;

/** Stream sockets of the family AF_UNIX: unix(7). All sockets created here are non-blocking and close-on-exec. */
public final class UnixSocket {
    static final long UCRED_BYTES = 12;
    static final long UCRED_PID = 0;
    static final long UCRED_UID = 4;
    static final long UCRED_GID = 8;

    private static final int OWNER_ONLY = 0600;

    private UnixSocket() {}

    /** Links the calls of this class, on a thread that has the time: tens of milliseconds, which the first call takes otherwise. */
    public static void link() {
        long refused = Sockets.SHUTDOWN.call(-1, Sockets.SHUT_RDWR);
        if (refused != -Errno.EBADF) throw new IllegalStateException("shutdown(-1) returned " + refused);
    }

    /** Two sockets connected to each other. */
    public record Pair(Fd first, Fd second) {}

    /**
     * Credentials of the peer at the time of the connection.
     *
     * @param pid process id, 0 if the process is not visible in this pid namespace
     * @param uid effective user id
     * @param gid effective group id
     */
    public record PeerCredentials(int pid, int uid, int gid) {}

    /**
     * A connected pair: socketpair(2).
     *
     * @throws ErrnoException EMFILE, ENFILE
     */
    public static Pair pair() throws ErrnoException {
        MemorySegment numbers = Libc.scratch();
        Sockets.SOCKETPAIR.orThrow(Sockets.SOCKETPAIR.call(Sockets.AF_UNIX, streamType(), 0, numbers.address(), 0, 0));
        return new Pair(Fd.own(numbers.getAtIndex(JAVA_INT, 0)), Fd.own(numbers.getAtIndex(JAVA_INT, 1)));
    }

    /**
     * Listens on a path accessible to this user only: the file has mode 0600 from its creation. A stale socket file
     * without a listener is replaced. Two processes that replace the same stale file concurrently may both succeed, and
     * only the later one is reachable; a caller that cannot exclude this needs a lock.
     *
     * @param path    1 to 107 bytes long
     * @param backlog pending connections, 1 or more; the kernel caps it at net.core.somaxconn
     * @throws ErrnoException such as ENOENT (no such directory) or EACCES
     * @throws IOException the path is too long, is not a socket, or has a listener
     */
    public static Fd listen(Path path, int backlog) throws IOException {
        if (backlog < 1) {
            throw new IllegalArgumentException("A backlog is 1 or more, but this is " + backlog + ".");
        }
        Fd socket = newSocket();
        boolean listening = false;
        try (Arena arena = Arena.ofConfined()) {
            UnixAddress address = UnixAddress.of(path, arena);
            // bind creates the file with the mode of the socket's own inode, so there is no moment of wider access.
            Sockets.FCHMOD.orThrow(Sockets.FCHMOD.call(socket.number(), OWNER_ONLY));
            long bound = bind(socket, address);
            if (bound == -Errno.EADDRINUSE) {
                removeStale(path, address);
                bound = bind(socket, address);
            }
            Sockets.BIND.orThrow(bound);
            Sockets.LISTEN.orThrow(Sockets.LISTEN.call(socket.number(), backlog));
            listening = true;
            return socket;
        } finally {
            if (!listening) {
                socket.close();
            }
        }
    }

    /**
     * The same, if possible without calls that have to be linked first, for a process that starts.
     *
     * @param path    1 to 107 bytes long
     * @param backlog pending connections, 1 or more
     * @throws IOException as {@link #listen}
     */
    public static Fd listenAtOnce(Path path, int backlog) throws IOException {
        Fd socket = JdkListener.listen(path, backlog);
        return socket == null ? listen(path, backlog) : socket;
    }

    /**
     * Accepts one connection.
     *
     * @return the connection, or null if none is pending
     * @throws ErrnoException such as EMFILE; the connection then stays pending
     */
    public static @Nullable Fd accept(Fd listener) throws ErrnoException {
        while (true) {
            long result = Sockets.ACCEPT4.callThroughSignals(listener.number(), 0, 0,
                    Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC);
            if (result == -Errno.EAGAIN) {
                return null;
            }
            if (result != -Errno.ECONNABORTED) {
                return Fd.own((int) Sockets.ACCEPT4.orThrow(result));
            }
        }
    }

    /**
     * Connects to a listener. Does not block: fails with EAGAIN if the listener's backlog is full.
     *
     * @param path 1 to 107 bytes long
     * @throws ErrnoException such as ENOENT (no such file), ECONNREFUSED (no listener), EACCES, EAGAIN
     * @throws IOException the path is too long
     */
    public static Fd connect(Path path) throws IOException {
        Fd socket = newSocket();
        boolean connected = false;
        try (Arena arena = Arena.ofConfined()) {
            Sockets.CONNECT.orThrow(connect(socket, UnixAddress.of(path, arena)));
            connected = true;
            return socket;
        } finally {
            if (!connected) {
                socket.close();
            }
        }
    }

    /**
     * Credentials of the peer of a connection: SO_PEERCRED.
     *
     * @throws ErrnoException such as ENOTSOCK
     */
    public static PeerCredentials peer(Fd socket) throws ErrnoException {
        MemorySegment scratch = Libc.scratch();
        MemorySegment length = scratch.asSlice(0, Integer.BYTES);
        MemorySegment ucred = scratch.asSlice(16, UCRED_BYTES);
        length.set(JAVA_INT, 0, (int) UCRED_BYTES);
        Sockets.GETSOCKOPT.orThrow(Sockets.GETSOCKOPT.call(socket.number(), Sockets.SOL_SOCKET, Sockets.SO_PEERCRED,
                ucred.address(), length.address(), 0));
        return new PeerCredentials(ucred.get(JAVA_INT, UCRED_PID), ucred.get(JAVA_INT, UCRED_UID),
                ucred.get(JAVA_INT, UCRED_GID));
    }

    /**
     * Whether a descriptor, such as one from a peer, is a stream socket of this family. Does not call into the file,
     * which may be on a file system that never answers.
     *
     * @throws ErrnoException such as EBADF
     */
    public static boolean isUnixStream(Fd fd) throws ErrnoException {
        return option(fd, Sockets.SO_DOMAIN) == Sockets.AF_UNIX && option(fd, Sockets.SO_TYPE) == Sockets.SOCK_STREAM;
    }

    /**
     * Whether connections can be accepted on a socket, as on one that a service manager has made (sd_listen_fds(3)).
     *
     * @throws ErrnoException such as EBADF
     */
    public static boolean isListening(Fd fd) throws ErrnoException {
        return option(fd, Sockets.SO_ACCEPTCONN) == 1;
    }

    /** The value of an integer option, or -1 if it is not a socket. */
    private static int option(Fd fd, int option) throws ErrnoException {
        MemorySegment scratch = Libc.scratch();
        MemorySegment length = scratch.asSlice(0, Integer.BYTES);
        MemorySegment value = scratch.asSlice(16, Integer.BYTES);
        length.set(JAVA_INT, 0, Integer.BYTES);
        long result = Sockets.GETSOCKOPT.call(fd.number(), Sockets.SOL_SOCKET, option, value.address(),
                length.address(), 0);
        if (result == -Errno.ENOTSOCK) return -1;
        Sockets.GETSOCKOPT.orThrow(result);
        return value.get(JAVA_INT, 0);
    }

    /**
     * Whether the peer of a connection is a listener of this process: a process that holds both ends never reads end of
     * stream. Not detectable for a {@link #pair}, which has no listener.
     *
     * @throws ErrnoException such as ENOTSOCK
     */
    public static boolean leadsBackToUs(Fd socket) throws ErrnoException {
        MemorySegment scratch = Libc.scratch();
        MemorySegment length = scratch.asSlice(0, Integer.BYTES);
        MemorySegment address = scratch.asSlice(16, UnixAddress.BYTES);
        length.set(JAVA_INT, 0, (int) UnixAddress.BYTES);
        long result = Sockets.GETPEERNAME.call(socket.number(), address.address(), length.address());
        if (result == -Errno.ENOTCONN) return false;
        Sockets.GETPEERNAME.orThrow(result);
        return length.get(JAVA_INT, 0) > UnixAddress.SUN_PATH && peer(socket).pid() == ProcessHandle.current().pid();
    }

    /**
     * Sets the size of the send buffer: SO_SNDBUF (socket(7)).
     *
     * @param bytes 1 or more; the kernel limits it to net.core.wmem_max, 212,992 by default, and doubles it for its own
     * bookkeeping
     * @throws ErrnoException such as ENOTSOCK
     */
    public static void setSendBuffer(Fd socket, int bytes) throws ErrnoException {
        MemorySegment value = Libc.scratch();
        value.set(JAVA_INT, 0, bytes);
        Sockets.SETSOCKOPT.orThrow(Sockets.SETSOCKOPT.call(socket.number(), Sockets.SOL_SOCKET, Sockets.SO_SNDBUF,
                value.address(), Integer.BYTES, 0));
    }

    /**
     * Makes a descriptor of any kind non-blocking (O_NONBLOCK). The flag belongs to the open file: setting it on a
     * descriptor received from a peer affects the peer, too.
     *
     * @throws ErrnoException such as EBADF
     */
    public static void setNonBlocking(Fd fd) throws ErrnoException {
        int flags = Fcntl.call(fd, Fcntl.F_GETFL, 0);
        if ((flags & Fcntl.O_NONBLOCK) == 0) {
            Fcntl.call(fd, Fcntl.F_SETFL, flags | Fcntl.O_NONBLOCK);
        }
    }

    /**
     * Makes a descriptor blocking, as a peer that receives one end of a {@link #pair} may expect. The flag belongs to
     * the open file.
     *
     * @throws ErrnoException such as EBADF
     */
    public static void setBlocking(Fd fd) throws ErrnoException {
        int flags = Fcntl.call(fd, Fcntl.F_GETFL, 0);
        if ((flags & Fcntl.O_NONBLOCK) != 0) {
            Fcntl.call(fd, Fcntl.F_SETFL, flags & ~Fcntl.O_NONBLOCK);
        }
    }

    /**
     * Shuts a connection down in both directions, without closing the descriptor; both ends read end of stream. Not an
     * error if the peer has disconnected.
     *
     * @throws ErrnoException such as ENOTSOCK
     */
    public static void shutdown(Fd socket) throws ErrnoException {
        long result = Sockets.SHUTDOWN.call(socket.number(), Sockets.SHUT_RDWR);
        if (result != -Errno.ENOTCONN) {
            Sockets.SHUTDOWN.orThrow(result);
        }
    }

    private static int streamType() {
        return Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC;
    }

    private static Fd newSocket() throws ErrnoException {
        return Fd.own((int) Sockets.SOCKET.orThrow(Sockets.SOCKET.call(Sockets.AF_UNIX, streamType(), 0)));
    }

    private static long bind(Fd socket, UnixAddress address) {
        return Sockets.BIND.call(socket.number(), address.segment().address(), address.length());
    }

    private static long connect(Fd socket, UnixAddress address) {
        return Sockets.CONNECT.callThroughSignals(socket.number(), address.segment().address(), address.length());
    }

    /** Removes the file at a path if it is a socket that refuses connections. */
    private static void removeStale(Path path, UnixAddress address) throws IOException {
        int mode;
        try {
            mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            // Already removed.
            return;
        }
        if ((mode & FileStatus.KIND_MASK) != FileStatus.SOCKET) {
            throw new IOException("Cannot listen on \"" + path
                    + "\": a file exists there that is not a socket; remove it or choose another path.");
        }
        long result;
        try (Fd probe = newSocket()) {
            result = connect(probe, address);
        }
        if (result == -Errno.ECONNREFUSED) {
            Files.deleteIfExists(path);
        } else if (result == 0 || result == -Errno.EAGAIN || result == -Errno.EPROTOTYPE) {
            throw new IOException("Cannot listen on \"" + path
                    + "\": another process listens there; stop it or choose another path.");
        } else if (result != -Errno.ENOENT) {
            throw new IOException(
                    "Cannot listen on \"" + path + "\": a socket is there, and whether it is in use cannot be "
                            + "found out.",
                    new ErrnoException("connect", (int) -result));
        }
    }
}
