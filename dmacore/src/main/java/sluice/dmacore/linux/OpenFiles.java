package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Counts the open descriptors of this process, for tests and {@code sluice doctor}; no decision depends on it. */
public final class OpenFiles {
    private OpenFiles() {}

    /**
     * The number of open descriptors, including the JVM's: the entries of /proc/self/fd, without the descriptor used to
     * list them.
     *
     * @throws IOException /proc is not mounted
     */
    public static int count() throws IOException {
        int entries = 0;
        try (DirectoryStream<Path> list = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path ignored : list) {
                entries++;
            }
        }
        return entries - 1;
    }
}
