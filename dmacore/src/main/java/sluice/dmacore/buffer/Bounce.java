package sluice.dmacore.buffer;

import java.io.IOException;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.EventKind;

/**
 * Other memory that a device uses instead of a buffer's, and the copies there and back: {@code kernel/dma/swiotlb.c}, for
 * those who allow it. Contiguous.
 */
final class Bounce {
    private final DmaBuf buffer;
    private final FileMapping file;
    private final Runs runs = new Runs(1);

    private Bounce(DmaBuf buffer, FileMapping file) {
        this.buffer = buffer;
        this.file = file;
        runs.add(file, 0, buffer.size());
    }

    static Bounce open(DmaBuf buffer, DeviceFunction function) throws DmaBufException {
        DmaCore core = buffer.core();
        if (!core.takeBounce(buffer.size())) {
            throw buffer.refused(Errno.EIO,
                    "bounce memory is full: %d bytes are wanted for %s, and %d are the limit of all"
                            .formatted(buffer.size(), function.name(), core.options().bounceBytes()));
        }
        boolean done = false;
        try (Fd fd = Memfd.create("sluice-bounce", Memfd.ALLOW_SEALING)) {
            Memfd.resize(fd, (buffer.size() + 4095) & -4096);
            Bounce bounce = new Bounce(buffer, core.options().files().map(fd));
            done = true;
            return bounce;
        } catch (IOException e) {
            throw new DmaBufException(Errno.ENOMEM,
                    "%s: no bounce memory: %s".formatted(buffer.name(), e.getMessage()));
        } finally {
            if (!done) core.giveBounce(buffer.size());
        }
    }

    Runs runs() {
        return runs;
    }

    /** Copies what the CPU wrote; also before the device only writes, so that what it leaves alone stays. */
    void toDevice(Runs memory, long from, long length) {
        copied(from, length);
        memory.copyTo(from, file.segment(), from, length);
    }

    /** Copies what the device wrote. */
    void toCpu(Runs memory, long from, long length) {
        copied(from, length);
        memory.copyFrom(file.segment(), from, from, length);
    }

    private void copied(long from, long length) {
        buffer.core().noteBounced(length);
        buffer.core().trace().record(EventKind.BOUNCE, buffer.number(), 0, 0, from, length, length, 0);
    }

    void close() {
        buffer.core().giveBounce(buffer.size());
        file.release();
    }
}
