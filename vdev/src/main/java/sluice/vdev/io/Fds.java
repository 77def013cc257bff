package sluice.vdev.io;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Fd;

/**
 * The descriptors that came with one message. The handler that needs one takes it; what is left is closed, where it may take
 * its time: it can be of any kind.
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
