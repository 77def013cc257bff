package sluice.vdev.plugin;

import java.io.IOException;
import java.util.List;

import sluice.vdev.device.DeviceEnvironment;

/**
 * Makes devices of one kind. It is found by {@link java.util.ServiceLoader}: its class is public, has a public constructor
 * without parameters, and is named in {@code META-INF/services/sluice.vdev.plugin.DeviceProvider}.
 */
public interface DeviceProvider {
    /** What {@code --device} calls it: small letters, digits and hyphens, such as {@code copy-engine}. */
    String name();

    /** What it is, in one line. */
    String description();

    /**
     * The options it knows. Those that every device has ({@link DeviceOption#OF_EVERY_DEVICE}) need not be
     * among them.
     */
    List<DeviceOption> options();

    /**
     * Whether guests' kernels tell the device of their DMA ({@link DeviceEnvironment#witness}): then the PCI functions served beside
     * it are made known to them, by a capability in their configuration spaces.
     */
    default boolean witnesses() {
        return false;
    }

    /**
     * Makes a device. It is called on the main thread, once for each {@code --device} with this name, before anything is served.
     *
     * @param options only those of {@link #options} and of every device
     * @param environment all that the device may use; the options of every device have taken effect in it
     * @throws WrongOptionException an option's value cannot be: the process ends with status 2 before anything is served
     * @throws IOException the device cannot be made: the process ends with status 1 before anything is served
     */
    ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment)
            throws IOException, WrongOptionException;
}
