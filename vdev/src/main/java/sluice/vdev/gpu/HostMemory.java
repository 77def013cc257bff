package sluice.vdev.gpu;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.MoveListener;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;

/**
 * The memory of a {@link HostBlob}: a buffer of the core to which the GPU is attached, allocated in the window at its
 * first use. The GPU is a dynamic importer: the buffer moves to where the guest maps it.
 */
final class HostMemory implements Pages, MoveListener {
    private final WindowExporter exporter;
    private @Nullable Attachment attachment;
    private @Nullable DeviceMapping mapping;
    private @Nullable UUID name;

    private HostMemory(WindowExporter exporter) {
        this.exporter = exporter;
    }

    /**
     * Attaches the GPU.
     *
     * @param buffer of the exporter
     * @throws DmaBufException as {@link DmaBuf#attachDynamic}
     */
    static HostMemory attach(DmaBuf buffer, DeviceFunction gpu, Stream stream, WindowExporter exporter)
            throws DmaBufException {
        HostMemory made = new HostMemory(exporter);
        made.attachment = buffer.attachDynamic(gpu, stream, made);
        return made;
    }

    WindowExporter exporter() {
        return exporter;
    }

    Attachment attachment() {
        Attachment present = attachment;
        if (present == null) throw new IllegalStateException("host memory without its GPU");
        return present;
    }

    DmaBuf buffer() {
        return attachment().buffer();
    }

    @Override
    public long bytes() {
        return buffer().size();
    }

    /** The GPU maps it again at its next use. */
    @Override
    public void moving(Attachment moved) {
        DeviceMapping present = mapping;
        mapping = null;
        if (present == null) return;
        try {
            present.unmap();
        } catch (DmaBufException e) {
            throw new IllegalStateException("host memory was unmapped elsewhere", e);
        }
    }

    @Override
    public @Nullable DeviceMapping mapping() {
        return mapping;
    }

    /** No memory table has it. */
    @Override
    public boolean isMapped(long tableNumber) {
        return mapping != null;
    }

    @Override
    public void setMapped(DeviceMapping made, long tableNumber) {
        mapping = made;
    }

    @Override
    public void setUnmapped() {
        mapping = null;
    }

    @Override
    public @Nullable UUID exportedAs() {
        return name;
    }

    @Override
    public void setExportedAs(UUID given) {
        name = given;
    }
}
