package sluice.iommu.fault;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;

/**
 * The last faults, a bounded number of them, and counters of all. Any thread may write and read.
 *
 * <p>When it is full the oldest record makes room, and is counted as dropped unless somebody has taken it.
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
     * @param capacity records kept, at least 1
     * @param listener is told of each fault by the thread that caused it, inside of its read section: it must not wait
     */
    public FaultLog(int capacity, Consumer<FaultRecord> listener) {
        if (capacity < 1) throw new IllegalArgumentException("a fault log of " + capacity + " records");
        this.ring = new FaultRecord[capacity];
        this.listener = listener;
    }

    /** Adds a record; the log gives it its number and time. The parameters are those of {@link FaultRecord}. */
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

    /** Takes the records that nobody has taken, oldest first. */
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

    /** Faults since the beginning. */
    public synchronized long total() {
        return newest;
    }

    /** Faults with this reason since the beginning. */
    public synchronized long count(FaultReason reason) {
        return counts.getOrDefault(reason, 0L);
    }

    /** Records that made room before anybody took them. */
    public synchronized long dropped() {
        return dropped;
    }

    public int capacity() {
        return ring.length;
    }
}
