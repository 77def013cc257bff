package sluice.dmacore.device;

import java.util.ArrayList;
import java.util.List;

/**
 * What a device cannot do, as a user says it of one that could: limits that come on top of its own parameters.
 *
 * @param dmaMask the highest address it can form, 2^n − 1; −1 for any ({@code dma_set_mask})
 * @param maxSegmentSize bytes of the longest segment, at least 4096; {@link Long#MAX_VALUE} for any
 *            ({@code dma_set_max_seg_size}; shorter ones are refused by {@code lib/scatterlist.c}, too)
 * @param maxSegments entries of the longest list, at least 1; {@link Integer#MAX_VALUE} for any
 * @param boundaryMask a segment does not cross a multiple of this plus 1; −1 if it may lie anywhere ({@code dma_set_seg_boundary})
 * @param contiguous whether a buffer must be one piece
 */
public record DmaConstraints(long dmaMask, long maxSegmentSize, int maxSegments, long boundaryMask,
        boolean contiguous) {
    /** None at all. */
    public static final DmaConstraints NONE = new DmaConstraints(-1, Long.MAX_VALUE, Integer.MAX_VALUE, -1, false);

    private static final long PAGE = 4096;

    public DmaConstraints {
        checkMask("DMA mask", dmaMask);
        checkMask("boundary mask", boundaryMask);
        if (maxSegmentSize < PAGE || maxSegments < 1) {
            throw new IllegalArgumentException("%d segments of %d bytes: give at least 1 of at least 4096"
                    .formatted(maxSegments, maxSegmentSize));
        }
    }

    private static void checkMask(String what, long mask) {
        if (!isMask(mask))
            throw new IllegalArgumentException(
                    "%s 0x%x is not of the form 2^n - 1, from 0xfff on".formatted(what, mask));
    }

    /** Whether a number, without a sign, is a DMA mask or a boundary mask: of the form 2^n − 1, 0xfff or more. */
    public static boolean isMask(long number) {
        return (number & (number + 1)) == 0 && Long.compareUnsigned(number, PAGE - 1) >= 0;
    }

    /** Whether it limits nothing. */
    public boolean isNone() {
        return dmaMask == -1 && !limitsLists();
    }

    /** Whether it limits the lists in which buffers are mapped, and not only their addresses. */
    public boolean limitsLists() {
        return maxSegmentSize != Long.MAX_VALUE || maxSegments != Integer.MAX_VALUE || boundaryMask != -1
                || contiguous;
    }

    /** Whether a device with this DMA mask forms all addresses of a range, which is not empty. */
    public boolean reaches(long address, long length) {
        long last = address + length - 1;
        return Long.compareUnsigned(last, dmaMask) <= 0 && Long.compareUnsigned(last, address) >= 0;
    }

    /** The parameters of a device that has these limits besides its own. */
    public DeviceDmaParams narrow(DeviceDmaParams own) {
        return own.withSegments(Math.min(own.maxSegmentSize(), maxSegmentSize),
                Math.min(own.maxSegmentCount(), maxSegments))
                .withBoundaryMask(own.boundaryMask() & boundaryMask)
                .withContiguous(own.contiguous() || contiguous)
                .withDmaMask(own.dmaMask() & dmaMask);
    }

    /** Those that there are, as a user writes them: {@code dma-mask=0xffffffff, contiguous}. */
    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        if (dmaMask != -1) words.add("dma-mask=0x" + Long.toHexString(dmaMask));
        if (maxSegmentSize != Long.MAX_VALUE) words.add("max-segment-size=" + maxSegmentSize);
        if (maxSegments != Integer.MAX_VALUE) words.add("max-segments=" + maxSegments);
        if (boundaryMask != -1) words.add("boundary=0x" + Long.toHexString(boundaryMask));
        if (contiguous) words.add("contiguous");
        return String.join(", ", words);
    }
}
