package sluice.dmacore.witness;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.Runs;

/**
 * Memory allocated by a guest's kernel with {@code dma_alloc_coherent}: on a machine with non-snooping devices the CPU
 * accesses it uncached, so no device that uses it needs transfers, even if it was allocated for another one.
 * Thread-safe.
 */
final class CoherentMemory {
    /** Lengths by offset; ranges of one file do not overlap. */
    private final Map<FileId, NavigableMap<Long, Long>> ranges = new HashMap<>();

    synchronized void add(Runs memory) {
        for (int run = 0; run < memory.count(); run++) {
            NavigableMap<Long, Long> file = ranges.computeIfAbsent(memory.mapping(run).id(), _ -> new TreeMap<>());
            remove(file, memory.offset(run), memory.length(run)); // freed without a report, and allocated again
            file.put(memory.offset(run), memory.length(run));
        }
    }

    synchronized void remove(Runs memory) {
        for (int run = 0; run < memory.count(); run++) {
            NavigableMap<Long, Long> file = ranges.get(memory.mapping(run).id());
            if (file != null) remove(file, memory.offset(run), memory.length(run));
        }
    }

    /** A range cut by the removal keeps its rest. */
    private static void remove(NavigableMap<Long, Long> file, long offset, long length) {
        long end = offset + length;
        for (Map.Entry<Long, Long> last = file.lowerEntry(end); last != null; last = file.lowerEntry(end)) {
            long from = last.getKey();
            long to = from + last.getValue();
            if (to <= offset) return;
            file.remove(from);
            if (to > end) file.put(end, to - end);
            if (from < offset) file.put(from, offset - from);
        }
    }

    /** Whether all of it is coherent. */
    synchronized boolean contains(Runs memory) {
        for (int run = 0; run < memory.count(); run++) {
            NavigableMap<Long, Long> file = ranges.get(memory.mapping(run).id());
            if (file == null || !contains(file, memory.offset(run), memory.offset(run) + memory.length(run)))
                return false;
        }
        return true;
    }

    private static boolean contains(NavigableMap<Long, Long> file, long offset, long end) {
        long at = offset;
        while (at < end) {
            Map.Entry<Long, Long> before = file.floorEntry(at);
            if (before == null || before.getKey() + before.getValue() <= at) return false;
            at = before.getKey() + before.getValue();
        }
        return true;
    }

    synchronized void clear() {
        ranges.clear();
    }
}
