package sluice.dmacore.laws;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.MemoryFiles;

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

    /** So many mappings may wait to be unmapped, which another thread does. */
    private static final int MOST_MAPPED = 256;

    private final MemoryFiles memory;
    private final FileMapping[] files = new FileMapping[Setting.FILES];
    private final Map<String, Device> devices = new HashMap<>();

    private Bench(MemoryFiles memory) throws IOException {
        this.memory = memory;
        for (int i = 0; i < files.length; i++) files[i] = memory.mapping(Setting.FILE_BYTES);
    }

    /** As a process of ours has it: shadows and copies are in files, which costs more than all else of a program. */
    static Bench withFiles() throws IOException {
        return new Bench(new MemoryFiles(2 * MOST_MAPPED));
    }

    /** For many programs: shadows and copies are in memory of the calling thread. */
    static Bench ofOneThread() throws IOException {
        return new Bench(MemoryFiles.ofOneThread(2 * MOST_MAPPED));
    }

    FileMapping file(int number) {
        return files[number];
    }

    /** Where shadows and copies are mapped. */
    FileMappings mappings() {
        return memory.mappings();
    }

    /** A program has ended: waits for its memory to be unmapped if that is far behind. */
    void settle() {
        if (memory.mappings().count() < MOST_MAPPED) return;
        MemoryFiles.await("unmapping", () -> memory.mappings().count() < MOST_MAPPED / 2);
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
