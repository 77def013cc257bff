package sluice.vdev.host;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.Iotlb;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.Access;
import sluice.iommu.injection.Rule;

/**
 * The {@link Iotlb} of a device, reused across starts, because the root of its table takes 1 MiB, and a front-end may
 * restart the device without limit. Sends misses to the front-end, and posts the answers to the device's loop. Used
 * there.
 */
final class FrontCache implements Iotlb.Questions {
    private final HostLoop loop;
    private final DeviceTrace trace;
    private final Iotlb iotlb;
    private FrontIommu.@Nullable Questions front;
    /** Answers to misses of an earlier start are dropped: they may concern another driver's mappings. */
    private long starts;

    FrontCache(HostLoop loop, DeviceTrace trace, GuestMemoryView view, GuestMemory.Addressing addressing,
            Runnable progress, IotlbStatistics statistics, Iterable<Rule> rules) {
        this.loop = loop;
        this.trace = trace;
        iotlb = new Iotlb("front of " + loop.name(), view, addressing, this, progress, statistics);
        for (Rule rule : rules) iotlb.cache().inject(rule);
    }

    Iotlb iotlb() {
        return iotlb;
    }

    /** The device starts: the cache is empty, and misses go to {@code questions}. */
    void start(FrontIommu.Questions questions) {
        clear();
        front = questions;
    }

    /** Sends no more misses. */
    void stop() {
        clear();
        front = null;
    }

    /** Drops all entries and pending misses. */
    void clear() {
        starts++;
        iotlb.clear();
    }

    @Override
    public void ask(long address, Access access) {
        FrontIommu.Questions asked = front;
        if (asked == null) return; // no front-end to ask
        long began = trace.begin();
        long start = starts;
        asked.ask(address, access, known -> loop.post("an answer of the VM's IOMMU", () -> {
            if (start != starts) return;
            trace.missed(address, known, began);
            iotlb.answered(address, access, known);
        }));
    }
}
