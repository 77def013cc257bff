/**
 * The tables: what an address translates to, as numbers in arrays.
 *
 * <p>One thread at a time writes, any number of threads read without asking. A reader that races a writer may miss what
 * was just written and then asks again; that it never uses what was taken away is not settled here but by whoever waits
 * for it, {@code sluice.iommu.epoch}. No ownership, no faults, no policy: those are {@code sluice.iommu.space}'s.
 */
@NullMarked
package sluice.iommu.table;

import org.jspecify.annotations.NullMarked;
