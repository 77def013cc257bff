package sluice.vdev.media;

import java.util.UUID;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;

/**
 * A plane of an MMAP buffer that other devices of the machine find by its name (EXPBUF), until its buffer is freed; who uses it
 * then keeps its memory.
 *
 * @param mapping the codec's own
 */
record Export(UUID name, DeviceMapping mapping, DmaCore core) {
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
