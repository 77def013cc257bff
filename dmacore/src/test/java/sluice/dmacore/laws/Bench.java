package sluice.dmacore.laws;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;

/**
 * What the machines of many programs have in common, because making it costs more than a program does: files, and devices with an
 * IOMMU. For one thread; a {@link Machine} leaves nothing mapped.
 */
final class Bench implements AutoCloseable {
    /** A device, and the view of the thread that plays it. */
    record Device(DeviceFunction function, DeviceView view) {
        static Device of(DeviceFunction function) {
            return new Device(function, DeviceView.open(function));
        }
    }

    private final FileMapping[] files = new FileMapping[Setting.FILES];
    private final Map<String, Device> devices = new HashMap<>();

    Bench() throws IOException {
        for (int i = 0; i < files.length; i++) {
            try (Fd fd = Memfd.create("laws", Memfd.ALLOW_SEALING)) {
                Memfd.resize(fd, Setting.FILE_BYTES);
                files[i] = FileMappings.ofProcess().map(fd);
            }
        }
    }

    FileMapping file(int number) {
        return files[number];
    }

    /** A device that has an IOMMU, and reaches memory without pages. */
    Device device(String name, DmaCore core) {
        return devices.computeIfAbsent(name, _ -> Device.of(core.function(name,
                DeviceDmaParams.throughIommu().withPeerToPeer(true))));
    }

    @Override
    public void close() {
        for (Device device : devices.values()) device.view.close();
        for (FileMapping file : files) file.release();
    }
}
