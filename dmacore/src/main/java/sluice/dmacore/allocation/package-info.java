/**
 * Chooses the memory of a buffer shared by several devices.
 *
 * <p>Uses devices' parameters and exporters' results only. Devices and the rest of the core must not depend on this
 * package.
 */
@NullMarked
package sluice.dmacore.allocation;

import org.jspecify.annotations.NullMarked;
