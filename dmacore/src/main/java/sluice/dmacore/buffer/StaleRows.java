package sluice.dmacore.buffer;

import java.lang.foreign.MemorySegment;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;

/** Looks for bytes of a buffer that a device holds in another state than the CPU. */
final class StaleRows {
    private StaleRows() {}

    /** @param held what the device holds, from the first row on */
    static void report(DeviceMapping mapping, Rows rows, Runs held) {
        Runs current = mapping.lines().runs();
        long stale = 0;
        long first = -1;
        long end = 0;
        for (long row = 0; row < rows.count(); row++) {
            long from = rows.offset(row);
            long differs = mismatch(current, from, held, row * rows.stride(), rows.rowBytes());
            if (differs < 0) continue;
            stale++;
            if (first < 0) {
                first = from + differs;
                end = from + rows.rowBytes();
            }
        }
        if (stale == 0) return;
        mapping.attachment().buffer().core().findings().add(Rule.MISSING_SYNC_FOR_DEVICE,
                mapping.attachment().subject(), first, end - first,
                "shown by the device as they were before the CPU wrote them, in %d of %d rows: they were not transferred"
                        .formatted(stale, rows.count()));
    }

    /** The first byte that differs, counted from the beginning of both ranges, or -1. */
    private static long mismatch(Runs one, long oneFrom, Runs other, long otherFrom, long length) {
        for (long done = 0; done < length;) {
            int a = one.runAt(oneFrom + done);
            int b = other.runAt(otherFrom + done);
            long intoA = oneFrom + done - one.start(a);
            long intoB = otherFrom + done - other.start(b);
            long piece = Math.min(length - done, Math.min(one.length(a) - intoA, other.length(b) - intoB));
            long differs = MemorySegment.mismatch(one.mapping(a).segment(), one.offset(a) + intoA,
                    one.offset(a) + intoA + piece, other.mapping(b).segment(), other.offset(b) + intoB,
                    other.offset(b) + intoB + piece);
            if (differs >= 0) return done + differs;
            done += piece;
        }
        return -1;
    }
}
