/**
 * The address spaces of devices: each device has its own addresses and its own table, which translates them to guest
 * memory. Memory for a device is mapped here; a device model accesses it through a {@link
 * sluice.dmacore.space.DeviceReader}. Accesses to unmapped addresses fault and are recorded.
 *
 * <p>A {@link sluice.dmacore.space.DeviceSpace} does not contain bus addresses: these are resolved before, by a {@link
 * sluice.dmacore.memory.FrontTranslation}. A {@link sluice.dmacore.space.DmaMappedSpace} maps bus addresses, and is one
 * of the tables in which they are resolved.
 */
@NullMarked
package sluice.dmacore.space;

import org.jspecify.annotations.NullMarked;
