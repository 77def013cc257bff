package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a process holds at one moment, as Linux says in /proc.
 *
 * @param residentKib resident memory without mapped files: that of the heap, of threads and of what it has allocated
 * @param descriptors open ones
 */
record Resident(long residentKib, int descriptors, int threads) {
    private static final Pattern ANONYMOUS = Pattern.compile("RssAnon:\\s+(\\d+) kB");

    /** @throws IOException the process has ended */
    static Resident of(ProcessHandle process) throws IOException {
        Path folder = Path.of("/proc/" + process.pid());
        Matcher found = ANONYMOUS.matcher(Files.readString(folder.resolve("status")));
        if (!found.find()) throw new IOException("the kernel does not say how much of " + folder + " is resident");
        return new Resident(Long.parseLong(found.group(1)), entries(folder.resolve("fd")),
                entries(folder.resolve("task")));
    }

    private static int entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return Math.toIntExact(entries.count());
        }
    }
}
