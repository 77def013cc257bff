/**
 * Address spaces of devices: what is mapped where and for whom, the translations readers ask for, and what happens when
 * one is refused.
 *
 * <p>Here the tables, the epochs, the allocator, the faults and the rules meet. What a target or an owner is stays outside:
 * no memory, no attachment, no device, no socket. Nothing here starts a thread.
 */
@NullMarked
package sluice.iommu.space;

import org.jspecify.annotations.NullMarked;
