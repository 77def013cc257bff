package sluice.dmacore.file;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file for its owner only, which is there as a whole or not at all. It holds what a guest has shown or done, and it is often
 * written by root into a folder that others may write to, so nothing is written through a link.
 */
public final class PrivateFile {
    private PrivateFile() {}

    /** What is to be in a file. */
    @FunctionalInterface
    public interface Content {
        void write(OutputStream out) throws IOException;
    }

    /**
     * Makes a file of mode 0600, or replaces one; a reader sees the old one or the new one.
     *
     * @param file in a folder that exists
     * @throws IOException something is there that is no regular file, such as a link or a device; or as for any file
     */
    public static void write(Path file, Content content) throws IOException {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(
                    file + " exists and is not a regular file: links are not followed, choose another name");
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) throw new IOException(file + " is not a file name");
        // Under a name that nobody can foresee, with O_EXCL and mode 0600.
        Path unfinished = Files.createTempFile(folder, file.getFileName() + ".", ".part");
        boolean done = false;
        try {
            try (OutputStream out = new BufferedOutputStream(
                    Files.newOutputStream(unfinished, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS))) {
                content.write(out);
            }
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            done = true;
        } finally {
            if (!done) Files.deleteIfExists(unfinished);
        }
    }

    /** The same for a text, in UTF-8. */
    public static void write(Path file, String text) throws IOException {
        write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
    }
}
