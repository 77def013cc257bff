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
 * A buffer of the core as memory of a resource: that of a {@link HostBlob}, allocated in the window at its first use, or
 * an object of another device. The GPU is a dynamic importer: the buffer may move, as host memory does to where the guest
 * maps it.
 */
final class BufferPages implements Pages, MoveListener {
    private @Nullable Attachment attachment;
    private @Nullable DeviceMapping mapping;
    private @Nullable UUID name;

    private BufferPages() {}

    /**
     * Attaches the GPU.
     *
     * @throws DmaBufException as {@link DmaBuf#attachDynamic}
     */
    static BufferPages attach(DmaBuf buffer, DeviceFunction gpu, Stream stream) throws DmaBufException {
        BufferPages made = new BufferPages();
        made.attachment = buffer.attachDynamic(gpu, stream, made);
        return made;
    }

    Attachment attachment() {
        Attachment present = attachment;
        if (present == null) throw new IllegalStateException("a buffer without its GPU");
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
            throw new IllegalStateException("a buffer was unmapped elsewhere", e);
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
