package sluice.vdev.gpu;

import java.util.EnumSet;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.MoveListener;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.ownership.Direction;

/**
 * A buffer of the core as memory of a resource: that of a {@link HostBlob}, allocated in the window at its first use, or
 * an object of another device. The GPU is a dynamic importer: the buffer may move, as host memory does to where the guest
 * maps it. Another device moves or revokes it on a thread of its own, at any moment.
 */
final class BufferPages implements Pages, MoveListener {
    private @Nullable Attachment attachment;
    /** Changed with this object locked, so that a move finds what has just been mapped. */
    private volatile @Nullable DeviceMapping mapping;
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

    /**
     * Maps it for reading, without a transfer.
     *
     * @return false if it is revoked
     * @throws DmaBufException as {@link Attachment#map(Direction, java.util.Set)}: EAGAIN while it is being moved
     */
    synchronized boolean map() throws DmaBufException {
        mapping = attachment().mapUnlessRevoked(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.CPU_KEEPS));
        return mapping != null;
    }

    /** The GPU maps it again at its next use, which waits for this. */
    @Override
    public synchronized void moving(Attachment moved) {
        DeviceMapping present = takeMapping();
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
    public synchronized void setMapped(DeviceMapping made, long tableNumber) {
        mapping = made;
    }

    @Override
    public synchronized @Nullable DeviceMapping takeMapping() {
        DeviceMapping taken = mapping;
        mapping = null;
        return taken;
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
