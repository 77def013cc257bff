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
    /** @throws IOException the process has ended */
    static Resident of(ProcessHandle process) throws IOException {
        Path folder = Path.of("/proc/" + process.pid());
        return new Resident(kib(process.pid(), "RssAnon"), entries(folder.resolve("fd")),
                entries(folder.resolve("task")));
    }

    /**
     * An amount of a process's memory.
     *
     * @param name as in /proc/PID/status, such as VmRSS
     * @throws IOException the process has ended
     */
    static long kib(long pid, String name) throws IOException {
        Matcher found = Pattern.compile(name + ":\\s+(\\d+) kB")
                .matcher(Files.readString(Path.of("/proc/" + pid + "/status")));
        if (!found.find()) throw new IOException("the kernel does not say %s of process %d".formatted(name, pid));
        return Long.parseLong(found.group(1));
    }

    private static int entries(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return Math.toIntExact(entries.count());
        }
    }
}
