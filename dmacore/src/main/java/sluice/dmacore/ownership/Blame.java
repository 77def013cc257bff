package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;

/** Determines for harmed bytes which call is missing or wrong, and whose. The lines' group is locked. */
final class Blame {
    private static final String ALIGN = "a range that is transferred begins and ends at a multiple of dma_get_cache_alignment(), which is "
            + Lines.LINE;

    private final Findings findings;

    Blame(Findings findings) {
        this.findings = findings;
    }

    /** Adds a finding about whole lines. */
    void lines(Rule rule, Lines lines, @Nullable Holder holder, int first, int end, String what) {
        long from = lines.position(first);
        add(rule, lines, holder, from, lines.endPosition(end - 1) - from, what);
    }

    private void add(Rule rule, Lines lines, @Nullable Holder holder, long from, long length, String what) {
        Subject subject = holder == null
                ? new Subject("", 0, lines.buffer(), lines.number())
                : new Subject(holder.device(), holder.number(), lines.buffer(), lines.number());
        findings.add(rule, subject, from, length, what);
    }

    private void inside(Rule rule, Lines lines, @Nullable Holder holder, Harm harm, String what) {
        add(rule, lines, holder, harm.position(), harm.length(), what);
    }

    private void beside(Rule rule, Lines lines, @Nullable Holder holder, Harm harm, String what) {
        int first = harm.firstBeside();
        int last = harm.lastBeside();
        String aligned = what + "; " + ALIGN;
        if (harm.linesBeside() != 2) {
            lines(rule, lines, holder, first, last + 1, aligned);
            return;
        }
        // A range has partial lines at both ends only.
        lines(rule, lines, holder, first, first + 1, aligned);
        lines(rule, lines, holder, last, last + 1, aligned);
    }

    private static @Nullable Holder one(Region region, int interval, long bits) {
        return bits == 0 ? null : region.holder(interval, bits);
    }

    private static String name(@Nullable Holder holder) {
        return holder == null ? "a device" : holder.device();
    }

    /** A non-snooping device with writes that were not fetched. */
    private static @Nullable Holder writer(Region region, int interval) {
        return one(region, interval, region.wrote(interval) & ~region.coherent(interval));
    }

    /**
     * A write-back has destroyed a device's writes.
     *
     * @param holder holder of the transfer, or null for a CPU access
     * @param owners non-snooping holders that owned the lines for writing until then
     */
    void writtenOver(Lines lines, Region region, int interval, @Nullable Holder holder, long owners, Harm harm) {
        Holder writer = writer(region, interval);
        if (harm.isInside()) {
            if (owners != 0) {
                inside(Rule.CPU_WROTE_DEVICE_OWNED, lines, region.holder(interval, owners), harm,
                        "the CPU wrote their lines while a device owned them; the write-back destroys %d bytes that %s wrote"
                                .formatted(harm.bytes(), name(writer)));
            } else if (lines.hasUnseenWriters()) {
                inside(Rule.NEVER_FETCHED, lines, writer == null ? holder : writer, harm,
                        "%d bytes that %s wrote were not fetched, and the write-back replaces them: syncForCpu(FROM_DEVICE) is missing, unless the CPU has written all of them"
                                .formatted(harm.bytes(), name(writer)));
            } else {
                inside(Rule.MISSING_SYNC_FOR_CPU, lines, writer == null ? holder : writer, harm,
                        "%d bytes that %s wrote were not fetched, the CPU has not written them, and the write-back replaces them by what they were before"
                                .formatted(harm.bytes(), name(writer)));
            }
        }
        if (harm.isBeside()) {
            beside(Rule.SHARED_CACHE_LINE, lines, holder, harm,
                    "%d bytes that %s wrote share a cache line with the range, and its write-back destroys them"
                            .formatted(harm.bytesBeside(), name(writer)));
        }
    }

    /**
     * An invalidation has dropped cached writes, or would have.
     *
     * @param had whether a non-snooping device owned the lines until then
     */
    void dropped(Lines lines, Region region, int interval, @Nullable Holder holder, boolean had, Harm harm) {
        if (harm.isInside()) {
            Holder snooper = one(region, interval, Copies.writtenThroughCaches(region, interval));
            if (snooper != null) {
                inside(Rule.CPU_WRITES_LOST, lines, snooper, harm,
                        "%s wrote %d bytes, and they are dropped from the caches: they were not given to %s before its turn ended"
                                .formatted(snooper.device(), harm.bytes(), name(holder)));
            } else if (had) {
                inside(Rule.CPU_WROTE_DEVICE_OWNED, lines, holder, harm,
                        "the CPU wrote %d bytes while a device owned them; what it wrote is lost"
                                .formatted(harm.bytes()));
            } else {
                inside(Rule.CPU_WRITES_LOST, lines, holder, harm,
                        "%d bytes were written by the CPU, and are dropped from its caches by this"
                                .formatted(harm.bytes()));
            }
        }
        if (harm.isBeside()) {
            boolean same = harm.isBesideOfBuffer() && !had;
            beside(same ? Rule.CPU_WRITES_LOST : Rule.SHARED_CACHE_LINE, lines, holder, harm,
                    "%d bytes that the CPU wrote share a cache line with the range, and are dropped from the caches with it"
                            .formatted(harm.bytesBeside()));
        }
    }

    /** Lines were transferred back with CPU writes in between. */
    void returned(Lines lines, Holder holder, Harm harm) {
        if (!harm.isInside()) return;
        inside(Rule.CPU_WROTE_DEVICE_OWNED, lines, holder, harm,
                "the CPU wrote %d bytes while a device owned them; the device may have seen them or not"
                        .formatted(harm.bytes()));
    }

    /** CPU writes were dropped before a transfer to a device. */
    void droppedBefore(Lines lines, Holder holder, Harm harm) {
        if (harm.isInside()) {
            inside(Rule.DIRTY_DROPPED, lines, holder, harm,
                    "%d bytes that the CPU wrote are dropped before the device's turn: give them TO_DEVICE, unless the device writes all of them"
                            .formatted(harm.bytes()));
        }
        if (harm.isBeside()) {
            beside(Rule.SHARED_CACHE_LINE, lines, holder, harm,
                    "%d bytes that the CPU wrote share a cache line with the range, and are dropped from the caches with it"
                            .formatted(harm.bytesBeside()));
        }
    }

    /** A device has read bytes that are newer in the caches, or in the buffer behind its bounce buffer. */
    void deviceReadOld(Walk walk, Holder holder, Harm harm) {
        Lines lines = walk.lines();
        Region region = walk.region();
        int interval = walk.interval();
        long bit = region.bit(interval, holder);
        long writers = Copies.writtenThroughCaches(region, interval) & ~bit;
        if ((region.skipped(interval) & bit) != 0) {
            inside(Rule.SKIPPED_WHILE_DIRTY, lines, holder, harm,
                    "%d bytes are old: they were given with SKIP_CPU_SYNC, and the caches hold newer ones"
                            .formatted(harm.bytes()));
        } else if (writers != 0) {
            inside(Rule.MISSING_SYNC_FOR_DEVICE, lines, holder, harm,
                    "%d bytes are old: %s has written them since they were given to the device"
                            .formatted(harm.bytes(), region.holder(interval, writers).device()));
        } else if (region.cpu(interval) == LineState.DIRTY) {
            inside(Rule.MISSING_SYNC_FOR_DEVICE, lines, holder, harm,
                    "%d bytes are old: the CPU has written them since they were given to the device"
                            .formatted(harm.bytes()));
        } else {
            inside(Rule.CPU_WROTE_DEVICE_OWNED, lines, holder, harm,
                    "%d bytes are old: the CPU has written them since they were given to the device, and has not told or not given them again"
                            .formatted(harm.bytes()));
        }
    }

    /**
     * The CPU or a snooping device has read bytes that are newer in memory, or in a bounce buffer.
     *
     * @param reader null for the CPU
     */
    void cacheReadOld(Walk walk, @Nullable Holder reader, Harm harm) {
        Lines lines = walk.lines();
        Region region = walk.region();
        int interval = walk.interval();
        long bits = (region.wrote(interval) & ~region.coherent(interval)) | Copies.written(region, interval);
        Holder writer = one(region, interval, bits);
        inside(Rule.MISSING_SYNC_FOR_CPU, lines, writer == null ? reader : writer, harm,
                "%d bytes that %s reads are old: what %s wrote was not fetched".formatted(harm.bytes(),
                        reader == null ? "the CPU" : reader.device(), name(writer)));
    }

    /** A device owns the lines again, or still, and its writes were never fetched. */
    void unfetched(Lines lines, Holder holder, Harm harm, boolean owned) {
        add(Rule.NEVER_FETCHED, lines, holder, harm.from(), harm.to() - harm.from(), owned
                ? "given to the device again, and what it wrote was not taken back: syncForCpu(FROM_DEVICE) is missing, if the CPU has read it"
                : "what the device wrote was not fetched when it was taken back: syncForCpu(FROM_DEVICE) is missing, if the CPU has read it");
    }

    /**
     * An invalidation fetches writes of a device that returned the lines unfetched.
     *
     * @param asked whether the invalidation is for that device's bytes of the range
     */
    void fetchedLate(Lines lines, Holder holder, Harm harm, boolean asked) {
        if (harm.isInside() && !asked) {
            inside(Rule.NEVER_FETCHED, lines, holder, harm,
                    "what the device wrote was not fetched when it was taken back, and comes with what is fetched for another: syncForCpu(FROM_DEVICE) is missing, if the CPU has read it");
        }
        if (harm.isBeside()) {
            beside(Rule.NEVER_FETCHED, lines, holder, harm,
                    "what the device wrote was not fetched when it was taken back, and comes with the rest of its cache line: syncForCpu(FROM_DEVICE) is missing, if the CPU has read it");
        }
    }
}
