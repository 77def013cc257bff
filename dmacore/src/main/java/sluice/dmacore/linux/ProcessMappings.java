package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** How a process has mapped files: {@code /proc/PID/maps} (proc_pid_maps(5)). */
public final class ProcessMappings {
    private static final Pattern LINE = Pattern
            .compile("[0-9a-f]+-[0-9a-f]+ [r-][w-][x-]([sp]) [0-9a-f]+ ([0-9a-f]+):([0-9a-f]+) ([0-9]+).*");
    private static final int HEX = 16;

    private ProcessMappings() {}

    /**
     * Whether a process has mapped a file, and only privately (MAP_PRIVATE): nobody else sees what it writes there.
     *
     * @param process its id
     * @throws IOException there is no such process, or its mappings are not for this user
     */
    public static boolean arePrivate(int process, FileStatus file) throws IOException {
        // Paths in it may have any bytes.
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + process + "/maps"), StandardCharsets.ISO_8859_1)) {
            return arePrivate(lines, file);
        }
    }

    static boolean arePrivate(Stream<String> lines, FileStatus file) {
        boolean found = false;
        for (String line : (Iterable<String>) lines::iterator) {
            Matcher mapping = LINE.matcher(line);
            if (!mapping.matches() || Long.parseUnsignedLong(mapping.group(4)) != file.inode()
                    || device(mapping) != file.device())
                continue;
            if (mapping.group(1).equals("s")) return false;
            found = true;
        }
        return found;
    }

    private static long device(Matcher mapping) {
        return FileStatus.makeDevice(Integer.parseInt(mapping.group(2), HEX), Integer.parseInt(mapping.group(3), HEX));
    }
}
