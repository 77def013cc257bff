package sluice.vdev.device;

import java.io.Closeable;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.witness.Witness;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.space.IoSpace;

/**
 * All that a device may use of its process. It is given when the device is made, before its loop calls it, and is good until
 * the device is closed.
 */
public interface DeviceEnvironment {
    /** The device's name in logs, findings and reports, unlike that of any other of the process: {@code gpu}, {@code gpu-2}. */
    String name();

    /** The loop on which the device is called. */
    DeviceLoop loop();

    /** Threads for what takes long. */
    Workers workers();

    /**
     * Where the device opens timelines for work that it has done elsewhere. A fence that is not signalled within its bound is
     * reported and fails with ETIMEDOUT, so that whoever waits for it goes on: see {@link CommandsInFlight}.
     */
    FenceDomain fences();

    /** Through which all devices of the process share buffers. Its findings and its trace are theirs as well. */
    DmaCore core();

    /** How the device reaches memory: whether it snoops the CPU's caches. */
    Stream stream();

    /** The device's share of the process: from it is taken whatever a guest may ask for. */
    Share share();

    /** Files mapped into the process; what is mapped is taken from {@link #share}. */
    FileMappings files();

    /** What becomes of an access that the device's own address space refuses. */
    FaultPolicy onFault();

    /** What the kernels of the guests tell of their DMA, for a device that they tell it to; null if the process has none such. */
    @Nullable
    Witness witness();

    /** Where the device registers what it counts. */
    Report report();

    /**
     * Says which address space is the device's own: faults that a user asks for happen there, and its faults are reported. To
     * be called at most once, by a device that has one besides what its front-end maps.
     */
    void reachesThrough(IoSpace space);

    /** An address that the device reads although nobody gave it, to see what becomes of that; null for none. */
    @Nullable
    StrayRead strayRead();

    /** What to do when a user asks to see what the device shows (SIGUSR2); runs on the loop. */
    void whenAsked(Runnable show);

    /** Closes something after the device, on a thread that may wait; what was handed in last is closed first. */
    void closeAtEnd(Closeable thing);
}
