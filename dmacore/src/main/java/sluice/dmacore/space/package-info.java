/**
 * What a device sees: its own addresses, which lead through its own table to guest memory. Whoever gives a device memory
 * maps it here; whoever plays the device reads and writes through a {@link sluice.dmacore.space.DeviceReader}. What is
 * not mapped faults, and is recorded.
 *
 * <p>Bus addresses do not enter a {@link sluice.dmacore.space.DeviceSpace}: they are resolved before, by a {@link
 * sluice.dmacore.memory.FrontTranslation}. A {@link sluice.dmacore.space.DmaMappedSpace} is made of them, and is one of the
 * tables they are resolved in.
 */
@NullMarked
package sluice.dmacore.space;

import org.jspecify.annotations.NullMarked;
