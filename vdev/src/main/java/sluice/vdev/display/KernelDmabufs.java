package sluice.vdev.display;

import java.io.Closeable;

import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.linux.Udmabuf;
import sluice.vdev.gpu.HostImage;

/** The dma-bufs that this host's kernel makes of pictures, by {@code /dev/udmabuf}. */
final class KernelDmabufs implements HostImage.Dmabufs, Closeable {
    private final Udmabuf device;

    private KernelDmabufs(Udmabuf device) {
        this.device = device;
    }

    /** @throws ErrnoException as {@link Udmabuf#open()} */
    static KernelDmabufs open() throws ErrnoException {
        return new KernelDmabufs(Udmabuf.open());
    }

    @Override
    public Fd export(Fd memfd, long bytes) throws ErrnoException {
        return device.create(memfd, 0, bytes);
    }

    @Override
    public void syncForDisplay(Fd dmabuf) throws ErrnoException {
        DmaBufFile.syncStart(dmabuf, SyncAccess.WRITE);
        DmaBufFile.syncEnd(dmabuf, SyncAccess.WRITE);
    }

    @Override
    public void close() {
        device.close();
    }
}
