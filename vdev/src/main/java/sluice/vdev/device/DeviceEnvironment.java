package sluice.vdev.device;

import java.io.Closeable;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.witness.Witness;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.space.IoSpace;

/**
 * All services of the process for a device. Passed at the creation of the device, before the first call on its loop;
 * valid until the device is closed.
 */
public interface DeviceEnvironment {
    /** The device's name in logs, findings and reports, unique in the process: {@code gpu}, {@code gpu-2}. */
    String name();

    /** The loop on which the device is called. */
    DeviceLoop loop();

    /** Threads for long work. */
    Workers workers();

    /**
     * The domain in which the device opens timelines for asynchronous work. A fence that is not signalled within its
     * bound is reported and fails with ETIMEDOUT, so that its waiters continue: see {@link CommandsInFlight}.
     */
    FenceDomain fences();

    /** The core through which all devices of the process share buffers, findings and the trace. */
    DmaCore core();

    /** How the device accesses memory: whether it snoops the CPU's caches. */
    Stream stream();

    /**
     * DMA parameters for a device that attaches to buffers: its own, narrowed by the limits that the user gave. Limits
     * for a device that does not call this are an error.
     *
     * @param own what it can do by itself
     */
    DeviceDmaParams dmaParams(DeviceDmaParams own);

    /** The device's share of the process's resources, charged for everything that a guest may request. */
    Share share();

    /** File mappings of the process, charged to {@link #share}. */
    FileMappings files();

    /** The policy for an access refused by the device's own address space. */
    FaultPolicy onFault();

    /** DMA calls reported by guest kernels, for a device that receives the reports; null if the process has none. */
    @Nullable
    Witness witness();

    /** The input devices of the process, which an input device joins and a source of input opens. */
    InputSeats seats();

    /** The screens that viewers reach through the process's console, to which a device adds its own; null without a console. */
    @Nullable
    Screens screens();

    /** The report in which the device registers its counters. */
    Report report();

    /**
     * Registers the device's own address space, for fault injection and for the report of its faults. Called at most
     * once, by a device with an address space besides its front-end's mappings.
     */
    void reachesThrough(IoSpace space);

    /** An address to be read although it was not passed to the device, for fault injection; null for none. */
    @Nullable
    StrayRead strayRead();

    /** Sets the action for SIGUSR2, such as writing pictures; runs on the loop. */
    void whenAsked(Runnable show);

    /**
     * Runs a task when front-ends can connect to all devices of the process, on a thread of its own: for work that saves a guest's first
     * requests time. A failure of it is logged. An environment that serves nobody does not run it.
     */
    default void whenServed(Runnable task) {}

    /**
     * Registers a resource to be closed after the device, on a thread that may block, in reverse order of registration.
     */
    void closeAtEnd(Closeable thing);
}
