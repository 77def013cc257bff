package sluice.iommu.space;

/**
 * Holds on to a mapping for a job that is too long for a read section. An unmap asks its holder to let go, and waits for
 * it up to its bound.
 */
public final class Pin implements AutoCloseable {
    private final Mapping mapping;
    private boolean closed;

    Pin(Mapping mapping) {
        this.mapping = mapping;
    }

    public Mapping mapping() {
        return mapping;
    }

    /** Whether the holder is to stop as soon as it can. Long jobs ask now and then; once true it stays so. */
    public boolean revoked() {
        return mapping.state() != Mapping.State.LIVE;
    }

    /** Lets go. A second call does nothing. */
    @Override
    public void close() {
        synchronized (mapping) {
            if (closed) return;
            closed = true;
        }
        mapping.unpin();
    }
}
