package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The time that a thread of another process has run, by {@code /proc/PID/task/TID/schedstat}: in nanoseconds, whatever else the machine does. */
final class ThreadTime {
    private final Path schedstat;

    private ThreadTime(Path schedstat) {
        this.schedstat = schedstat;
    }

    /**
     * The thread whose name begins so: an event loop adds its number.
     *
     * @param name up to 15 characters, as many as the kernel keeps
     * @throws IOException there is none, or several
     */
    static ThreadTime of(long pid, String name) throws IOException {
        List<Path> found;
        try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            found = tasks.filter(task -> isNamed(task, name)).toList();
        }
        if (found.size() != 1)
            throw new IOException(
                    "process %d has %d threads whose name begins with %s".formatted(pid, found.size(), name));
        return new ThreadTime(found.getFirst().resolve("schedstat"));
    }

    private static boolean isNamed(Path task, String name) {
        try {
            return Files.readString(task.resolve("comm")).startsWith(name);
        } catch (IOException ended) {
            return false;
        }
    }

    /** @throws IOException the thread has ended, or the kernel does not count */
    long nanos() throws IOException {
        return Long.parseLong(Files.readString(schedstat).split(" ", 2)[0]);
    }
}
