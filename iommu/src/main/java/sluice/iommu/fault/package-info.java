/**
 * What went wrong: records of refused accesses, the log that keeps a bounded number of them, and what a device is to do
 * about one. No table, no lock but the log's own, nothing that decides whether an access is right.
 */
@NullMarked
package sluice.iommu.fault;

import org.jspecify.annotations.NullMarked;
