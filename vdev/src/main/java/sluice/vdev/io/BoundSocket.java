package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Path;

import sluice.dmacore.linux.Fd;

/**
 * A socket that listens, and that nothing accepts on yet: the kernel lets a front-end connect and send its first requests,
 * which a {@link Listener} answers when there is one.
 *
 * @param file of the socket
 */
public record BoundSocket(Path path, Fd socket, SocketFile file) {
    private static final int BACKLOG = 1;

    /**
     * Listens on {@code path}.
     *
     * @param access who may connect
     * @throws IOException if the path is too long or in use, or the socket cannot be created
     */
    public static BoundSocket listen(Path path, SocketAccess access) throws IOException {
        Fd socket = SocketFile.listen(path, BACKLOG);
        boolean done = false;
        SocketFile file = null;
        try {
            file = SocketFile.of(path);
            access.giveTo(path);
            done = true;
            return new BoundSocket(path, socket, file);
        } finally {
            if (!done) {
                socket.close();
                if (file != null) file.remove();
            }
        }
    }

    /**
     * Removes the file, if it is still the socket's, and closes the socket: nobody will serve it.
     *
     * @throws IOException the file cannot be removed
     */
    public void abandon() throws IOException {
        try {
            file.remove();
        } finally {
            socket.close();
        }
    }
}
