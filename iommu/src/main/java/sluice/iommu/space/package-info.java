/**
 * Address spaces of devices: mappings, translation by readers, and faults.
 *
 * <p>Combines tables, epochs, allocator, faults and rules. Targets and owners are opaque: must not depend on memory,
 * attachments, devices or sockets. Starts no threads.
 */
@NullMarked
package sluice.iommu.space;

import org.jspecify.annotations.NullMarked;
