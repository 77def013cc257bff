package sluice.iommu.space;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;

/** The slow path of a reader: entries that need special handling, and absent entries. */
interface Unresolved {
    /**
     * Continues at {@code iova}.
     *
     * @param length remaining bytes, at least 1
     * @return bytes appended, at least 1; or 0, with the reader's outcome set
     */
    long resolve(Reader reader, long iova, long length, Access access, TargetRuns target);

    /** A translation in a revoked section; sets the reader's outcome. */
    void revoked(Reader reader, long iova, long length, Access access);

    /** Pages that must be one run are not contiguous; sets the reader's outcome. */
    void notContiguous(Reader reader, long iova, long length, Access access);

    /** Waits until a stalled access can continue; see {@link Reader#awaitMapped}. */
    boolean awaitMapped(Reader reader);

    void close(Reader reader);
}
