/**
 * The interface between devices and the command line: a {@link sluice.vdev.plugin.DeviceProvider}, of Sluice itself or found by {@link
 * java.util.ServiceLoader} in the jar of a plug-in, creates a device from {@code ./sluice serve
 * --device=NAME,OPTION=VALUE}.
 *
 * <p>Plug-ins implement this package, and use {@link sluice.vdev.pci} or {@link sluice.vdev.device}. Must not use
 * devices or the command line.
 */
@NullMarked
package sluice.vdev.plugin;

import org.jspecify.annotations.NullMarked;
