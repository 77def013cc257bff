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
 * Atomically written files, accessible to their owner only. Their content comes from a guest, and they are often
 * written by root into a folder that others can write, so links are not followed.
 */
public final class PrivateFile {
    private PrivateFile() {}

    /** Writes the content of a file. */
    @FunctionalInterface
    public interface Content {
        void write(OutputStream out) throws IOException;
    }

    /**
     * Creates or replaces a file, with mode 0600; a reader sees the old or the new one.
     *
     * @param file in an existing folder
     * @throws IOException the path exists and is not a regular file, for example a link or a device; or an I/O error
     */
    public static void write(Path file, Content content) throws IOException {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(
                    file + " exists and is not a regular file: links are not followed, choose another name");
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) throw new IOException(file + " is not a file name");
        // With an unpredictable name, O_EXCL and mode 0600.
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
