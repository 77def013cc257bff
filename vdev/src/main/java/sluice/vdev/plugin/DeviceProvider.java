package sluice.vdev.plugin;

import java.io.IOException;
import java.util.List;

import sluice.vdev.device.DeviceEnvironment;

/**
 * Creates devices of one kind. Found by {@link java.util.ServiceLoader}: its class is public, has a public constructor
 * without parameters, and is named in {@code META-INF/services/sluice.vdev.plugin.DeviceProvider}; those of Sluice itself are named in
 * its catalog of devices instead.
 */
public interface DeviceProvider {
    /** The name in {@code --device}: small letters, digits and hyphens, such as {@code copy-engine}. */
    String name();

    /** A description in one line. */
    String description();

    /**
     * The device's options, without the common options ({@link DeviceOption#OF_EVERY_DEVICE}).
     */
    List<DeviceOption> options();

    /**
     * Whether the device receives DMA calls from guest kernels ({@link DeviceEnvironment#witness}): all PCI functions
     * of the process then get a capability by which the kernels identify them.
     */
    default boolean witnesses() {
        return false;
    }

    /**
     * Creates a device. Called on the main thread, once for each {@code --device} with this name, before anything is
     * served.
     *
     * @param options only those of {@link #options} and the common options
     * @param environment the services for the device; common options are already applied to it
     * @throws WrongOptionException an option's value is invalid: the process exits with status 2 before anything is
     * served
     * @throws IOException the device cannot be created: the process exits with status 1 before anything is served
     */
    ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException;
}
