package sluice.dmacore.buffer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/**
 * Checks the memory returned by an exporter before it is used; otherwise a run outside its file would only be found by
 * the first device that reads it.
 */
final class ExportedMemory {
    /** A thread other than any caller's, to detect memory confined to one thread. */
    private static final Thread OTHER = Thread.ofPlatform().name("never started").unstarted(() -> {});

    private ExportedMemory() {}

    /**
     * Returns the memory if it has the size of the buffer, lies in its files and is accessible to all threads;
     * otherwise frees it.
     *
     * @throws DmaBufException EINVAL (too large, too small), EFAULT (outside of a file, or confined to one thread)
     */
    static BufferMemory checked(DmaBuf buffer, BufferMemory made) throws DmaBufException {
        DmaBufException refusal = refusal(buffer, made.runs());
        if (refusal == null) return made;
        made.free();
        throw refusal;
    }

    private static @Nullable DmaBufException refusal(DmaBuf buffer, Runs runs) {
        String exporter = buffer.exporter().name();
        if (runs.bytes() != buffer.size()) {
            return buffer.refused(Errno.EINVAL,
                    "%s gave %d bytes for a buffer of %d".formatted(exporter, runs.bytes(), buffer.size()));
        }
        int end;
        for (int first = 0; first < runs.count(); first = end) {
            end = runs.endOfFile(first);
            FileMapping file = runs.mapping(first);
            if (!file.segment().isAccessibleBy(OTHER)) {
                return found(buffer, Rule.D10_CONFINED_MEMORY, runs, first,
                        "%s gave memory of an arena that is confined to one thread; use a shared one".formatted(
                                exporter));
            }
            long size = file.size();
            if (runs.areOfOneFile() && runs.lowest() >= 0 && runs.highest() <= size) break;
            for (int run = first; run < end; run++) {
                if (runs.offset(run) >= 0 && runs.offset(run) <= size - runs.length(run)) continue;
                return found(buffer, Rule.D12_NO_SUCH_MEMORY, runs, run,
                        "%s gave %d bytes at 0x%x of %s".formatted(exporter, runs.length(run), runs.offset(run), file));
            }
        }
        return null;
    }

    private static DmaBufException found(DmaBuf buffer, Rule rule, Runs runs, int run, String what) {
        buffer.core().findings().add(rule, buffer.subject(), runs.start(run), runs.length(run), what);
        return buffer.refused(Errno.EFAULT, what);
    }
}
