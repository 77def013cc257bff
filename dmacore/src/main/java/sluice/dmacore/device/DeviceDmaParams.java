package sluice.dmacore.device;

/**
 * DMA constraints of a device function: {@code struct device_dma_parameters} and the DMA mask of the kernel ({@code
 * include/linux/device.h}), with a limit of segments in addition.
 *
 * @param maxSegmentSize in bytes, at least 1
 * @param maxSegmentCount most segments of a list, at least 1
 * @param boundaryMask a segment must not cross a multiple of this plus 1; −1 for no boundary
 * @param minAlignMask low bits that are 0 in the address of every segment, such as 0xfff
 * @param contiguous whether a buffer must be one segment
 * @param dmaMask the highest address of the function, 2^n − 1
 * @param pageGranule page size of the function: memory is allocated in multiples of it; a power of two of at least 4096
 * @param translated whether the function is behind an IOMMU: it then has its own addresses, and scattered pages become
 * contiguous
 * @param peerToPeer whether it can access memory of other devices, without struct pages
 */
public record DeviceDmaParams(long maxSegmentSize, int maxSegmentCount, long boundaryMask, long minAlignMask,
        boolean contiguous, long dmaMask, long pageGranule, boolean translated, boolean peerToPeer) {

    private static final long PAGE = 4096;
    private static final long MASK_48 = (1L << 48) - 1;

    public DeviceDmaParams {
        if (maxSegmentSize < 1 || maxSegmentCount < 1) {
            throw new IllegalArgumentException("%d segments of %d bytes: both are at least 1".formatted(maxSegmentCount,
                    maxSegmentSize));
        }
        checkMask("boundary mask", boundaryMask);
        checkMask("alignment mask", minAlignMask);
        checkMask("DMA mask", dmaMask);
        if (Long.bitCount(pageGranule) != 1 || pageGranule < PAGE)
            throw new IllegalArgumentException(
                    "page granule 0x%x is not a power of two from 0x1000 on".formatted(pageGranule));
        if (boundaryMask != -1 && boundaryMask < PAGE - 1)
            throw new IllegalArgumentException("boundary mask 0x%x is less than a page".formatted(boundaryMask));
    }

    private static void checkMask(String what, long mask) {
        if ((mask & (mask + 1)) != 0)
            throw new IllegalArgumentException("%s 0x%x is not of the form 2^n - 1".formatted(what, mask));
    }

    /** A common case: no constraints, behind an IOMMU. */
    public static DeviceDmaParams throughIommu() {
        return new DeviceDmaParams(Long.MAX_VALUE, Integer.MAX_VALUE, -1, 0, false, MASK_48, PAGE, true, false);
    }

    /** Another common case: physically contiguous memory, without an IOMMU. */
    public static DeviceDmaParams physicallyContiguous() {
        return throughIommu().withContiguous(true).withTranslated(false).withDmaMask(-1);
    }

    /** The kernel's defaults for a device without an IOMMU: segments of up to 64 KiB. */
    public static DeviceDmaParams scatterGather() {
        return throughIommu().withTranslated(false).withDmaMask(-1).withSegments(64 << 10, Integer.MAX_VALUE);
    }

    public DeviceDmaParams withSegments(long size, int count) {
        return new DeviceDmaParams(size, count, boundaryMask, minAlignMask, contiguous, dmaMask, pageGranule,
                translated,
                peerToPeer);
    }

    public DeviceDmaParams withBoundaryMask(long mask) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, mask, minAlignMask, contiguous, dmaMask,
                pageGranule,
                translated, peerToPeer);
    }

    public DeviceDmaParams withMinAlignMask(long mask) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, mask, contiguous, dmaMask,
                pageGranule,
                translated, peerToPeer);
    }

    public DeviceDmaParams withContiguous(boolean wanted) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, minAlignMask, wanted, dmaMask,
                pageGranule, translated, peerToPeer);
    }

    public DeviceDmaParams withDmaMask(long mask) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, minAlignMask, contiguous, mask,
                pageGranule, translated, peerToPeer);
    }

    public DeviceDmaParams withPageGranule(long granule) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, minAlignMask, contiguous, dmaMask,
                granule, translated, peerToPeer);
    }

    public DeviceDmaParams withTranslated(boolean iommu) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, minAlignMask, contiguous, dmaMask,
                pageGranule, iommu, peerToPeer);
    }

    public DeviceDmaParams withPeerToPeer(boolean reaches) {
        return new DeviceDmaParams(maxSegmentSize, maxSegmentCount, boundaryMask, minAlignMask, contiguous, dmaMask,
                pageGranule, translated, reaches);
    }

    /**
     * Longest segment of a list in bytes: whole pages, as in the kernel ({@code lib/scatterlist.c:
     * sg_alloc_append_table_from_pages}), unless the limit is less than a page.
     */
    public long pieceBytes() {
        return maxSegmentSize > PAGE ? maxSegmentSize & -PAGE : maxSegmentSize;
    }

    /**
     * Length of the segment that begins at an address, at most {@code wanted}, within the maximum size and the
     * boundary.
     */
    public long pieceAt(long address, long wanted) {
        long piece = Math.min(wanted, pieceBytes());
        return boundary() == 0 ? piece : Math.min(piece, boundary() - (address & boundaryMask));
    }

    /** Number of segments into which a run at an address is split. */
    public long pieces(long address, long length) {
        if (boundary() == 0) return pieces(length);
        long head = Math.min(length, boundary() - (address & boundaryMask));
        long rest = length - head;
        return pieces(head) + rest / boundary() * pieces(boundary()) + pieces(rest % boundary());
    }

    private long pieces(long length) {
        return length / pieceBytes() + (length % pieceBytes() == 0 ? 0 : 1);
    }

    /** The boundary of segments in bytes; 0 for none. */
    public long boundary() {
        return boundaryMask < Long.MAX_VALUE && boundaryMask != -1 ? boundaryMask + 1 : 0;
    }

    /** Alignment in bytes of segments placed by an IOMMU: at least a page. */
    public long placedAlignment() {
        return Math.max(Math.max(minAlignMask + 1, pageGranule), PAGE);
    }

    /** Largest possible buffer in bytes, with ideal memory; {@link Long#MAX_VALUE} for no limit. */
    public long mostBytes() {
        long piece = boundary() == 0 ? pieceBytes() : Math.min(pieceBytes(), boundary());
        long all = piece > Long.MAX_VALUE / maxSegmentCount ? Long.MAX_VALUE : piece * maxSegmentCount;
        return contiguous ? Math.min(all, maxSegmentSize) : all;
    }

    /** Degree of constraint, for sorting devices only: the higher, the fewer placements suit. */
    public int pickiness() {
        int points = 0;
        if (contiguous && !translated) points += 16;
        if (contiguous && translated) points += 1;
        if (maxSegmentCount != Integer.MAX_VALUE) points += translated ? 2 : 6;
        if (boundaryMask != -1) points += 1;
        if (pageGranule > PAGE) points += 4;
        if (!translated && dmaMask != -1) points += 3;
        if (!peerToPeer) points += 1;
        return points;
    }
}
