package sluice.dmacore.ownership;

/**
 * Counters of ownership transfers. Operations are counted in bytes of whole lines; each requested one was either
 * executed or skipped, because the lines did not need it.
 */
public final class OwnershipCounters {
    private long transfers;
    private long coherentTransfers;
    private long writeBackRequested;
    private long writeBackExecuted;
    private long writeBackNanos;
    private long invalidateRequested;
    private long invalidateExecuted;
    private long invalidateNanos;

    void transfer(boolean coherent) {
        if (coherent) {
            coherentTransfers++;
        } else {
            transfers++;
        }
    }

    void writeBack(long requested, long executed, long nanos) {
        writeBackRequested += requested;
        writeBackExecuted += executed;
        writeBackNanos += nanos;
    }

    void invalidate(long requested, long executed, long nanos) {
        invalidateRequested += requested;
        invalidateExecuted += executed;
        invalidateNanos += nanos;
    }

    /** Adds other counters. */
    public void add(OwnershipCounters other) {
        transfers += other.transfers;
        coherentTransfers += other.coherentTransfers;
        writeBack(other.writeBackRequested, other.writeBackExecuted, other.writeBackNanos);
        invalidate(other.invalidateRequested, other.invalidateExecuted, other.invalidateNanos);
    }

    OwnershipCounters copy() {
        OwnershipCounters copy = new OwnershipCounters();
        copy.add(this);
        return copy;
    }

    /** Transfers to and from non-snooping devices. */
    public long transfers() {
        return transfers;
    }

    /** Transfers to and from snooping devices, which need no operations. */
    public long coherentTransfers() {
        return coherentTransfers;
    }

    public long writeBackRequested() {
        return writeBackRequested;
    }

    public long writeBackExecuted() {
        return writeBackExecuted;
    }

    public long writeBackSkipped() {
        return writeBackRequested - writeBackExecuted;
    }

    public long writeBackNanos() {
        return writeBackNanos;
    }

    public long invalidateRequested() {
        return invalidateRequested;
    }

    public long invalidateExecuted() {
        return invalidateExecuted;
    }

    public long invalidateSkipped() {
        return invalidateRequested - invalidateExecuted;
    }

    public long invalidateNanos() {
        return invalidateNanos;
    }

    @Override
    public String toString() {
        return "%d transfers, %d coherent; write-back %d of %d bytes in %d ns, invalidate %d of %d bytes in %d ns"
                .formatted(
                        transfers, coherentTransfers, writeBackExecuted, writeBackRequested, writeBackNanos,
                        invalidateExecuted, invalidateRequested, invalidateNanos);
    }
}
