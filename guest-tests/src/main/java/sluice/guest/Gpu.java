package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;

/** One machine's GPU. */
public sealed interface Gpu extends Closeable permits Gpu.InQemu, VhostUserGpu {

    /**
     * The arguments that attach it to a machine.
     *
     * @param deviceOptions further properties of the device, for example {@code xres=640,yres=480}; may be empty
     */
    List<String> qemuArguments(String deviceOptions);

    /** The same without further properties. */
    default List<String> qemuArguments() {
        return qemuArguments("");
    }

    @Override
    void close() throws IOException;

    /** Appends properties to a device's name. */
    static String device(String device, String options) {
        return options.isEmpty() ? device : device + "," + options;
    }

    /** QEMU's own GPU: nothing to start or to close. */
    record InQemu() implements Gpu {
        @Override
        public List<String> qemuArguments(String deviceOptions) {
            return List.of("-device", Gpu.device("virtio-gpu-pci", deviceOptions));
        }

        @Override
        public void close() {
            // Ends with QEMU.
        }
    }
}
