package sluice.iommu.fault;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;

/**
 * A bounded log of the latest faults, with counters of all. Thread-safe.
 *
 * <p>When it is full the oldest record is removed, and counted as dropped unless it was taken.
 */
public final class FaultLog {
    private final @Nullable FaultRecord[] ring;
    private final Consumer<FaultRecord> listener;
    private final Map<FaultReason, Long> counts = new EnumMap<>(FaultReason.class);
    /** Sequence of the newest record; 0 before the first. */
    private long newest;
    /** Sequence of the newest record that was taken or dropped. */
    private long taken;
    private long dropped;

    /**
     * @param capacity limit of records, at least 1
     * @param listener called for each fault on the accessing thread, in its read section: must not wait
     */
    public FaultLog(int capacity, Consumer<FaultRecord> listener) {
        if (capacity < 1) throw new IllegalArgumentException("a fault log of " + capacity + " records");
        this.ring = new FaultRecord[capacity];
        this.listener = listener;
    }

    /** Adds a record, with number and time of the log. The parameters are those of {@link FaultRecord}. */
    public FaultRecord add(String device, FaultContext context, long iova, @Nullable Access access, long length,
            FaultReason reason, @Nullable Neighbour below, @Nullable Neighbour above, @Nullable Neighbour last,
            @Nullable String rule) {
        FaultRecord fault;
        synchronized (this) {
            newest++;
            fault = new FaultRecord(newest, System.nanoTime(), device, context, iova, access, length, reason, below,
                    above, last, rule);
            if (newest - taken > ring.length) {
                taken++;
                dropped++;
            }
            ring[(int) (newest % ring.length)] = fault;
            counts.merge(reason, 1L, Long::sum);
        }
        listener.accept(fault);
        return fault;
    }

    /** Takes the records not taken so far, oldest first. */
    public synchronized List<FaultRecord> take() {
        List<FaultRecord> records = new ArrayList<>();
        while (taken < newest) {
            taken++;
            int index = (int) (taken % ring.length);
            FaultRecord fault = ring[index];
            if (fault != null) records.add(fault);
            ring[index] = null;
        }
        return records;
    }

    /** Number of all faults. */
    public synchronized long total() {
        return newest;
    }

    /** Number of faults with this reason. */
    public synchronized long count(FaultReason reason) {
        return counts.getOrDefault(reason, 0L);
    }

    /** Records removed before they were taken. */
    public synchronized long dropped() {
        return dropped;
    }

    public int capacity() {
        return ring.length;
    }
}
