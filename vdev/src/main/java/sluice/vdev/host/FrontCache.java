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
 * The {@link Iotlb} of a device, kept from one start to the next: the root of its table takes a mebibyte, and a front-end may
 * start the device as often as it likes. Takes its questions to the front-end, and the answers to the device's loop. Used there.
 */
final class FrontCache implements Iotlb.Questions {
    private final HostLoop loop;
    private final DeviceTrace trace;
    private final Iotlb iotlb;
    private FrontIommu.@Nullable Questions front;
    /** Answers to questions of an earlier start are dropped: they may be about what another driver has mapped. */
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

    /** The device starts: nothing is known yet, and {@code questions} is asked. */
    void start(FrontIommu.Questions questions) {
        clear();
        front = questions;
    }

    /** Nothing is asked any more. */
    void stop() {
        clear();
        front = null;
    }

    /** Forgets everything, also what was asked. */
    void clear() {
        starts++;
        iotlb.clear();
    }

    @Override
    public void ask(long address, Access access) {
        FrontIommu.Questions asked = front;
        if (asked == null) return; // nobody is there who could know
        long began = trace.begin();
        long start = starts;
        asked.ask(address, access, known -> loop.post("an answer of the VM's IOMMU", () -> {
            if (start != starts) return;
            trace.missed(address, known, began);
            iotlb.answered(address, access, known);
        }));
    }
}
