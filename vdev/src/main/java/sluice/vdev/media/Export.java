package sluice.vdev.media;

import java.util.UUID;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.iommu.Access;

/**
 * A plane of an MMAP buffer that other devices of the machine find by its name (EXPBUF), until its buffer is freed; who uses it
 * then keeps its memory.
 *
 * @param mapping the codec's own
 */
record Export(UUID name, DeviceMapping mapping, DmaCore core, MediaSpace space) {
    /** On a worker: the codec accesses its bytes; that is judged. */
    void accessed(long bytes, Access how) {
        space.accessed(mapping, bytes, how);
    }

    /** The buffer is freed. */
    void end() {
        core.exported().remove(name);
        DmaBuf buffer = mapping.attachment().buffer();
        try {
            mapping.unmap();
        } catch (DmaBufException e) {
            throw new IllegalStateException("an exported buffer was unmapped elsewhere", e);
        }
        mapping.attachment().detach();
        buffer.release();
    }
}
