package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;

/**
 * The file of a listening socket. Another process may have replaced it, for example one started with the same path;
 * such a file must not be removed.
 *
 * @param path path of the file
 * @param device of the file system, as {@code st_dev}
 * @param inode as {@code st_ino}
 */
public record SocketFile(Path path, long device, long inode) {
    /**
     * Listens on a path that its owner alone may use: {@link UnixSocket#listenAtOnce}.
     *
     * @throws IOException the path is too long or in use, or the socket cannot be created; the message names the path
     */
    public static Fd listen(Path path, int backlog) throws IOException {
        try {
            return UnixSocket.listenAtOnce(path, backlog);
        } catch (ErrnoException e) {
            throw new IOException("cannot listen on %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    /**
     * Returns the identity of the file that exists now.
     *
     * @throws NoSuchFileException no such file
     */
    public static SocketFile of(Path path) throws IOException {
        return new SocketFile(path, attribute(path, "unix:dev"), attribute(path, "unix:ino"));
    }

    private static long attribute(Path path, String name) throws IOException {
        return (Long) Files.getAttribute(path, name, LinkOption.NOFOLLOW_LINKS);
    }

    /** Removes the file, if it is still the same inode. */
    public void remove() throws IOException {
        try {
            if (of(path).equals(this)) Files.delete(path);
        } catch (NoSuchFileException e) {
            // Already removed by another process.
            return;
        }
    }
}
