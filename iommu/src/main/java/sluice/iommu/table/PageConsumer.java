package sluice.iommu.table;

/** Takes pages, one by one. */
@FunctionalInterface
public interface PageConsumer {
    /**
     * @param iova of the first byte
     * @param length in bytes
     */
    void accept(long iova, long length);
}
