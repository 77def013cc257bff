package sluice.vdev.host;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.Counter;
import sluice.vdev.device.DeviceLoop;

/** The faults of one device, with their counts. Used on the device's loop; counts are read on any thread. */
public final class HostFaults {
    private static final class Counted {
        final HostFault fault;
        final Counter struck = new Counter();
        final AtomicLong at = new AtomicLong();
        long seen;

        Counted(HostFault fault) {
            this.fault = fault;
        }

        boolean strikes() {
            if (!fault.when().contains(++seen)) return false;
            struck.increment();
            at.set(seen);
            return true;
        }
    }

    private final List<Counted> faults = new ArrayList<>();
    private final boolean ofWrites;

    /** @param faults checked in this order; the first one that acts on an event is used */
    public HostFaults(List<HostFault> faults) {
        for (HostFault fault : faults) this.faults.add(new Counted(fault));
        ofWrites = faults.stream().anyMatch(HostFault.OfWrite.class::isInstance);
    }

    /** No faults. */
    public static HostFaults none() {
        return new HostFaults(List.of());
    }

    /** Number of occurrences by name. */
    public Map<String, LongSupplier> counts() {
        Map<String, LongSupplier> counts = new LinkedHashMap<>();
        for (Counted counted : faults) counts.put(counted.fault.name(), counted.struck);
        return counts;
    }

    /** By name: the number of the event, from 1, at which it happened last; 0 if it has not. */
    public Map<String, LongSupplier> lastEvents() {
        Map<String, LongSupplier> events = new LinkedHashMap<>();
        for (Counted counted : faults) events.put(counted.fault.name(), counted.at::get);
        return events;
    }

    boolean isEmpty() {
        return faults.isEmpty();
    }

    private <F extends HostFault> @Nullable F strike(Class<F> kind, Predicate<F> concerns) {
        for (Counted counted : faults) {
            if (!kind.isInstance(counted.fault)) continue;
            F fault = kind.cast(counted.fault);
            if (concerns.test(fault) && counted.strikes()) return fault;
        }
        return null;
    }

    /** An interrupt is about to be delivered. */
    HostFault.@Nullable OfInterrupt onInterrupt(int vector) {
        if (faults.isEmpty()) return null;
        return strike(HostFault.OfInterrupt.class,
                fault -> fault.vector() == HostFault.ANY || fault.vector() == vector);
    }

    /**
     * Delivers an interrupt, now, later or never.
     *
     * @param loop for late delivery
     */
    void deliver(int vector, DeviceLoop loop, Runnable delivery) {
        switch (onInterrupt(vector)) {
            case null -> delivery.run();
            case HostFault.LostInterrupt _ -> {
            }
            case HostFault.LateInterrupt late -> loop.after(late.delay().toNanos(), delivery);
        }
    }

    /** Whether there are faults of writes. */
    boolean ofWrites() {
        return ofWrites;
    }

    /** The device writes to accessible memory. */
    HostFault.@Nullable OfWrite onWrite(long address) {
        return strike(HostFault.OfWrite.class, fault -> fault.range().contains(address));
    }

    /** The checked write was not done: it does not count. */
    void notWritten(long address, HostFault.@Nullable OfWrite struck) {
        for (Counted counted : faults) {
            if (!(counted.fault instanceof HostFault.OfWrite fault) || !fault.range().contains(address)) continue;
            counted.seen--;
            if (!fault.equals(struck)) continue;
            counted.struck.add(-1);
            return;
        }
    }

    /** The front-end unmaps. */
    HostFault.@Nullable FailUnmap onUnmap() {
        return strike(HostFault.FailUnmap.class, _ -> true);
    }
}
