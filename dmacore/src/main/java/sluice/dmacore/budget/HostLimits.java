package sluice.dmacore.budget;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The host's limits of this process. A limit that cannot be read is not applied; the kernel enforces it later. */
final class HostLimits {
    private static final long UNKNOWN = Long.MAX_VALUE;
    private static final Path MACHINE = Path.of("/proc/meminfo");
    /** Limit of a container's control group; absent in the root group. */
    private static final Path CONTAINER = Path.of("/sys/fs/cgroup/memory.max");
    private static final Path PROCESS = Path.of("/proc/self/limits");
    private static final Pattern TOTAL = Pattern.compile("MemTotal: +([0-9]+) kB");
    private static final Pattern OPEN_FILES = Pattern.compile("Max open files +([0-9]+) .*");
    private static final Pattern NUMBER = Pattern.compile("([0-9]+)");

    private HostLimits() {}

    /** Three quarters of the memory of the machine or the container, in bytes. */
    static long memory() {
        long kib = read(MACHINE, TOTAL);
        long machine = kib == UNKNOWN ? UNKNOWN : kib << 10;
        long least = Math.min(machine, read(CONTAINER, NUMBER));
        return least == UNKNOWN ? UNKNOWN : least / 4 * 3;
    }

    /**
     * Half of the JVM's maximum heap in bytes; the rest is for allocations not caused by guests, and for the collector.
     */
    static long heap() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    /** Half of the process's limit of open descriptors; the rest is for the JVM, loops and listening sockets. */
    static long descriptors() {
        long most = read(PROCESS, OPEN_FILES);
        return most == UNKNOWN ? UNKNOWN : most / 2;
    }

    private static long read(Path file, Pattern wanted) {
        try {
            return find(Files.readAllLines(file), wanted);
        } catch (IOException e) {
            return UNKNOWN; // another kernel, or /proc is not mounted
        }
    }

    /** The number in the first line that matches. */
    static long find(List<String> lines, Pattern wanted) {
        for (String line : lines) {
            Matcher matcher = wanted.matcher(line);
            if (matcher.matches()) return Long.parseLong(matcher.group(1));
        }
        return UNKNOWN;
    }
}
