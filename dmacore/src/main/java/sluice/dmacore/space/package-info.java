/**
 * What a device sees: its own addresses, which lead through its own table to guest memory. Whoever gives a device memory
 * maps it here; whoever plays the device reads and writes through a {@link sluice.dmacore.space.DeviceReader}. What is
 * not mapped faults, and is recorded.
 *
 * <p>Bus addresses may not enter: they are resolved before, by a {@link sluice.dmacore.memory.FrontTranslation}.
 */
@NullMarked
package sluice.dmacore.space;

import org.jspecify.annotations.NullMarked;
