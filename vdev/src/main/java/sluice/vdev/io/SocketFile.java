package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The file by which a socket is reached. Another process may have replaced it in the meantime, as one does that takes a stale
 * file over or that was started with the same path; what it has put there is not ours to remove.
 *
 * @param path where it was made
 * @param device of the file system, as {@code st_dev}
 * @param inode as {@code st_ino}
 */
record SocketFile(Path path, long device, long inode) {
    /**
     * The file that is there now.
     *
     * @throws NoSuchFileException there is none
     */
    static SocketFile of(Path path) throws IOException {
        return new SocketFile(path, attribute(path, "unix:dev"), attribute(path, "unix:ino"));
    }

    private static long attribute(Path path, String name) throws IOException {
        return (Long) Files.getAttribute(path, name, LinkOption.NOFOLLOW_LINKS);
    }

    /** Removes the file, if it is still the same. */
    void remove() throws IOException {
        try {
            if (of(path).equals(this)) Files.delete(path);
        } catch (NoSuchFileException e) {
            // Somebody else has removed it: that is what we wanted.
            return;
        }
    }
}
