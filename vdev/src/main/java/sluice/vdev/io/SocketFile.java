package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

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
