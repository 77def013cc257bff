/**
 * Address spaces, tables and faults: the lowest module.
 *
 * <p>Arithmetic on addresses and translation tables, independent of devices and memory: the target of an address is
 * opaque. Must use {@code java.base} only, and no files, sockets, native calls or threads.
 */
@NullMarked
package sluice.iommu;

import org.jspecify.annotations.NullMarked;
