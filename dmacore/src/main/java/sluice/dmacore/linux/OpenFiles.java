package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Counts what this process has open, for tests and for {@code sluice doctor}; nothing decides by it. */
public final class OpenFiles {
    private OpenFiles() {}

    /**
     * The number of open descriptors, those of the JVM included: the entries of /proc/self/fd without the one that
     * lists them.
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
