package sluice.dmacore.budget;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the host lets this process have. What cannot be read is no limit of ours: the kernel's own refusal comes later. */
final class HostLimits {
    private static final long UNKNOWN = Long.MAX_VALUE;
    private static final Path MACHINE = Path.of("/proc/meminfo");
    /** Of the control group in which a container runs; on the host itself the root has none. */
    private static final Path CONTAINER = Path.of("/sys/fs/cgroup/memory.max");
    private static final Path PROCESS = Path.of("/proc/self/limits");
    private static final Pattern TOTAL = Pattern.compile("MemTotal: +([0-9]+) kB");
    private static final Pattern OPEN_FILES = Pattern.compile("Max open files +([0-9]+) .*");
    private static final Pattern NUMBER = Pattern.compile("([0-9]+)");

    private HostLimits() {}

    /** Three quarters of the memory that the machine has, or the container: bytes. */
    static long memory() {
        long kib = read(MACHINE, TOTAL);
        long machine = kib == UNKNOWN ? UNKNOWN : kib << 10;
        long least = Math.min(machine, read(CONTAINER, NUMBER));
        return least == UNKNOWN ? UNKNOWN : least / 4 * 3;
    }

    /** Half of the JVM's largest heap: the rest is for what no guest has asked for, and for the collector. Bytes. */
    static long heap() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    /** Half of the descriptors that the process may have open: JVM, loops and listening sockets live in the rest. */
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

    /** The number in the first line that is as wanted. */
    static long find(List<String> lines, Pattern wanted) {
        for (String line : lines) {
            Matcher matcher = wanted.matcher(line);
            if (matcher.matches()) return Long.parseLong(matcher.group(1));
        }
        return UNKNOWN;
    }
}
