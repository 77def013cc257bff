package sluice.iommu.space;

import sluice.iommu.Access;
import sluice.iommu.TargetRuns;

/** What a reader turns to where the fast path ends: pages that need attention, and addresses that have no page. */
interface Unresolved {
    /**
     * Goes on at {@code iova}.
     *
     * @param length bytes that are still wanted, at least 1
     * @return bytes that were appended, at least 1; or 0, with the reader's outcome set
     */
    long resolve(Reader reader, long iova, long length, Access access, TargetRuns target);

    /** A reader asks for something in a section that was given up on; sets its outcome. */
    void revoked(Reader reader, long iova, long length, Access access);

    /** Pages that were to be one run are none; sets the reader's outcome. */
    void notContiguous(Reader reader, long iova, long length, Access access);

    /** Waits until a stalled access can go on; see {@link Reader#awaitMapped}. */
    boolean awaitMapped(Reader reader);

    void close(Reader reader);
}
