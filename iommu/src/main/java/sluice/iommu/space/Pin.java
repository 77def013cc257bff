package sluice.iommu.space;

/**
 * A pin on a mapping, for work that is too long for a read section. An unmap asks its holder to release it, and waits
 * up to its bound.
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

    /** Whether the holder must release it as soon as possible. Long work polls this; once true it stays true. */
    public boolean revoked() {
        return mapping.state() != Mapping.State.LIVE;
    }

    /** Releases the pin. A second call has no effect. */
    @Override
    public void close() {
        synchronized (mapping) {
            if (closed) return;
            closed = true;
        }
        mapping.unpin();
    }
}
