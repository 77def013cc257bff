package sluice.vdev.plugin;

import java.io.IOException;

import io.netty.channel.IoEventLoop;

import sluice.dmacore.buffer.DmaCore;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.pci.PciFunction;

/** What a {@link DeviceProvider} has made: a device that is served as it is, or one that brings its own server. */
public sealed interface ProvidedDevice {
    /**
     * A PCI function, served over vfio-user on a loop of its own.
     *
     * @param function closed on its loop at the end, if it is {@link AutoCloseable}
     */
    record Function(PciFunction function) implements ProvidedDevice {}

    /**
     * A virtio device, served on a loop of its own: over vhost-user or, as a PCI function, over vfio-user, as its option
     * {@code transport} says.
     *
     * @param device closed on its loop at the end
     */
    record Virtio(VirtioDevice device) implements ProvidedDevice {}

    /** A device that needs more than the socket of its front-end, as a GPU needs its display's. */
    record Wired(Wiring wiring) implements ProvidedDevice {}

    /** Wires a device to its loops. */
    @FunctionalInterface
    interface Wiring {
        /**
         * Makes the server, which serves nobody yet.
         *
         * @param control the process's control loop, which never waits and which the server does not end
         * @param core through which all devices of the process share buffers; the server does not end it either
         */
        DeviceServer open(IoEventLoop control, DmaCore core) throws IOException;
    }
}
