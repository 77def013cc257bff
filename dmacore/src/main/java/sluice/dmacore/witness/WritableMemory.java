package sluice.dmacore.witness;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.Runs;

/**
 * Memory mapped for device writes, by cache line. Only the first of several mappings of the same lines is tracked, so
 * an overlap may be missed but is never reported wrongly. Thread-safe.
 */
final class WritableMemory {
    private static final long LINE = 64;

    /** A part of a mapping. */
    private record Part(long end, WitnessedDevice device, KernelMapping mapping) {}

    /** By start offset. */
    private final Map<FileId, TreeMap<Long, Part>> parts = new HashMap<>();

    private static long begin(Runs memory, int run) {
        return memory.offset(run) & -LINE;
    }

    private static long end(Runs memory, int run) {
        return (memory.offset(run) + memory.length(run) + LINE - 1) & -LINE;
    }

    synchronized void add(WitnessedDevice device, KernelMapping mapping) {
        Runs memory = mapping.memory();
        for (int run = 0; run < memory.count(); run++) {
            parts.computeIfAbsent(memory.mapping(run).id(), _ -> new TreeMap<>()).putIfAbsent(begin(memory, run),
                    new Part(end(memory, run), device, mapping));
        }
    }

    synchronized void remove(KernelMapping mapping) {
        Runs memory = mapping.memory();
        for (int run = 0; run < memory.count(); run++) {
            TreeMap<Long, Part> file = parts.get(memory.mapping(run).id());
            if (file == null) continue;
            Part known = file.get(begin(memory, run));
            if (known != null && known.mapping == mapping) file.remove(begin(memory, run));
            if (file.isEmpty()) parts.remove(memory.mapping(run).id());
        }
    }

    /** A mapping of one of these devices that shares a line with the memory, or null. */
    synchronized @Nullable KernelMapping sharing(Runs memory, Predicate<WitnessedDevice> of) {
        for (int run = 0; run < memory.count(); run++) {
            TreeMap<Long, Part> file = parts.get(memory.mapping(run).id());
            if (file == null) continue;
            Map.Entry<Long, Part> last = file.lowerEntry(end(memory, run));
            // A part that begins before may overlap; only the nearest one is checked.
            if (last != null && last.getValue().end > begin(memory, run) && of.test(last.getValue().device))
                return last.getValue().mapping;
        }
        return null;
    }
}
