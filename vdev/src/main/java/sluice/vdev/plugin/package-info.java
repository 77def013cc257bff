/**
 * What a device is to the command line: a {@link sluice.vdev.plugin.DeviceProvider}, found by {@link java.util.ServiceLoader} in
 * Sluice itself or in the jar of a plug-in, which makes a device of what {@code ./sluice serve --device=NAME,OPTION=VALUE}
 * says.
 *
 * <p>This is the one package that plug-ins implement, together with {@link sluice.vdev.pci} or {@link sluice.vdev.device}.
 * Devices and the command line itself may not enter.
 */
@NullMarked
package sluice.vdev.plugin;

import org.jspecify.annotations.NullMarked;
