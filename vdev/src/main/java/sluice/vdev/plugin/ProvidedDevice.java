package sluice.vdev.plugin;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.DisplaySocket;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.VirtioDevice;

/** A device created by a {@link DeviceProvider}. It is served on a loop of its own, and closed there at the end. */
public sealed interface ProvidedDevice {
    /**
     * A PCI function, served over vfio-user.
     *
     * @param function closed if it is {@link AutoCloseable}
     */
    record Function(PciFunction function) implements ProvidedDevice {}

    /**
     * A virtio device, served over vhost-user or, as a PCI function, over vfio-user, as selected by the option {@code
     * transport}.
     *
     * @param display receives the display sockets of front-ends, over vhost-user only; null for a device without
     * pictures
     * @param needsAllFeatures whether it is of little use behind a front-end that clears feature bits, as that of QEMU for GPUs
     */
    record Virtio(VirtioDevice device, @Nullable DisplaySocket display, boolean needsAllFeatures)
            implements
                ProvidedDevice {
        /** A device without pictures. */
        public Virtio(VirtioDevice device) {
            this(device, null);
        }

        /** A device that its own front-end serves well. */
        public Virtio(VirtioDevice device, @Nullable DisplaySocket display) {
            this(device, display, false);
        }
    }
}
