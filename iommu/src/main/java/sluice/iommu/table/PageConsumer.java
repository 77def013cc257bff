package sluice.iommu.table;

/** Receives pages one by one. */
@FunctionalInterface
public interface PageConsumer {
    /**
     * @param iova of the first byte
     * @param length in bytes
     */
    void accept(long iova, long length);
}
