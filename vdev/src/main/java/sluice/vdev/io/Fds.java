package sluice.vdev.io;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Fd;

/** The descriptors that came with one message. Whoever needs one takes it; what nobody took is closed. */
public final class Fds implements AutoCloseable {
    private final List<Fd> fds;

    public Fds(List<Fd> fds) {
        this.fds = new ArrayList<>(fds);
    }

    public static Fds none() {
        return new Fds(List.of());
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
        for (Fd fd : fds) fd.close();
        fds.clear();
    }
}
