package sluice.dmacore.witness;

import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;

/**
 * Whether what a kernel has mapped for a device is what the device takes. The kernel's own debugging checks the length of a segment
 * and its boundary for lists only ({@code kernel/dma/debug.c: check_sg_segment}), and so does this: a single mapping is the
 * driver's to divide. An address that the device cannot form is wrong in any.
 */
final class ListJudge {
    /** Findings of one list; the rest would say the same. */
    private static final int MOST_TOLD = 4;

    private final DmaConstraints constraints;
    private final Findings findings;
    private final String device;

    ListJudge(DmaConstraints constraints, Findings findings, String device) {
        this.constraints = constraints;
        this.findings = findings;
        this.device = device;
    }

    /**
     * Judges what a call has made.
     *
     * @param begins addresses of its entries, and their lengths
     * @param buffer its name in findings
     */
    void judge(String call, long[] begins, long[] lengths, String buffer) {
        if (constraints.isNone()) return;
        boolean list = call.startsWith("dma_map_sg");
        long from = 0;
        int told = 0;
        for (int entry = 0; entry < begins.length && told < MOST_TOLD; entry++) {
            long address = begins[entry];
            long length = lengths[entry];
            String which = "%s gave entry %d of %d, %d bytes at 0x%x,".formatted(call, entry, begins.length, length,
                    address);
            if (!constraints.reaches(address, length)) {
                told++;
                findings.add(Rule.BEYOND_DMA_MASK, device, buffer, from, length,
                        which + " to a device with dma-mask=0x" + Long.toHexString(constraints.dmaMask()));
            }
            if (list && length > constraints.maxSegmentSize()) {
                told++;
                findings.add(Rule.D15_SEGMENT_TOO_LONG, device, buffer, from, length,
                        which + " to a device with max-segment-size=" + constraints.maxSegmentSize());
            }
            if (list && crosses(address, length)) {
                told++;
                findings.add(Rule.D16_SEGMENT_BOUNDARY, device, buffer, from, length,
                        which + " to a device with boundary=0x" + Long.toHexString(constraints.boundaryMask()));
            }
            from += length;
        }
        if (!list) return;
        if (begins.length > constraints.maxSegments()) {
            findings.add(Rule.TOO_MANY_SEGMENTS, device, buffer, 0, from,
                    "%s gave %d entries to a device with max-segments=%d"
                            .formatted(call, begins.length, constraints.maxSegments()));
        }
        int pieces = constraints.contiguous() ? pieces(begins, lengths) : 1;
        if (pieces > 1) {
            findings.add(Rule.NOT_CONTIGUOUS, device, buffer, 0, from,
                    "%s gave %d pieces that are not neighbours to a device that is contiguous".formatted(call, pieces));
        }
    }

    private boolean crosses(long address, long length) {
        long mask = constraints.boundaryMask();
        return mask != -1 && (address & ~mask) != (address + length - 1 & ~mask);
    }

    private static int pieces(long[] begins, long[] lengths) {
        int pieces = 1;
        for (int entry = 1; entry < begins.length; entry++) {
            if (begins[entry] != begins[entry - 1] + lengths[entry - 1]) pieces++;
        }
        return pieces;
    }
}
