package sluice.vdev.io;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Fd;

/**
 * The descriptors received with one message. A handler takes those that it needs; the rest are closed on the disposal
 * thread, because close(2) may block for some file types.
 */
public final class Fds implements AutoCloseable {
    private final List<Fd> fds;
    private final Disposal disposal;

    public Fds(List<Fd> fds, Disposal disposal) {
        this.fds = new ArrayList<>(fds);
        this.disposal = disposal;
    }

    /** Descriptors left. */
    public int count() {
        return fds.size();
    }

    /**
     * Hands over the first descriptor left.
     *
     * @throws java.util.NoSuchElementException if there is none
     */
    public Fd take() {
        return fds.removeFirst();
    }

    @Override
    public void close() {
        disposal.closeAll(fds);
        fds.clear();
    }
}
