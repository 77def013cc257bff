package sluice.dmacore.device;

import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.space.DeviceSpace;
import sluice.dmacore.space.SystemMemory;
import sluice.iommu.AddressRange;
import sluice.iommu.space.IoSpaceOptions;

/**
 * A part of a device that attaches to buffers, with its own DMA parameters and translation table. For example, the
 * contiguous scan-out of a display controller is one function, its overlay behind an IOMMU another.
 */
public final class DeviceFunction {
    private static final long FIRST_ADDRESS = 1 << 20;
    private static final long MOST_ADDRESS = (1L << 48) - 1;
    private static final int WINDOWS = 64;
    private static final int WINDOW_SHIFT = 40;

    private final String name;
    private final DeviceDmaParams params;
    private final DeviceSpace space;
    private final AtomicInteger mappings = new AtomicInteger();
    private final AtomicInteger attachments = new AtomicInteger();

    private DeviceFunction(String name, DeviceDmaParams params, DeviceSpace space) {
        this.name = name;
        this.params = params;
        this.space = space;
    }

    /**
     * A function with an empty address space, as large as its DMA mask allows. Spaces of 48-bit functions begin in
     * different TiBs, so that their addresses do not overlap: a list programmed into the wrong device faults instead of
     * hitting one of its buffers.
     *
     * @param name such as "display/scan-out"
     * @param system its machine
     */
    public static DeviceFunction open(String name, DeviceDmaParams params, SystemMemory system) {
        if (!params.translated()) return new DeviceFunction(name, params, DeviceSpace.withoutIommu(name, system));
        long last = params.dmaMask() < 0 ? MOST_ADDRESS : Math.min(params.dmaMask(), MOST_ADDRESS);
        long window = last == MOST_ADDRESS ? (long) (system.nextFunction() % WINDOWS) << WINDOW_SHIFT : 0;
        IoSpaceOptions options = IoSpaceOptions.of(name, new AddressRange(window + FIRST_ADDRESS, last));
        return new DeviceFunction(name, params, DeviceSpace.open(options));
    }

    /** A function with this address space. */
    public static DeviceFunction of(String name, DeviceDmaParams params, DeviceSpace space) {
        if (params.translated() == space.isIdentity())
            throw new IllegalArgumentException(name + ": either it has an IOMMU or it has none");
        return new DeviceFunction(name, params, space);
    }

    public String name() {
        return name;
    }

    public DeviceDmaParams params() {
        return params;
    }

    public DeviceSpace space() {
        return space;
    }

    /** It was attached to a buffer. */
    public void noteAttached() {
        attachments.incrementAndGet();
    }

    /** An attachment has ended. */
    public void noteDetached() {
        attachments.decrementAndGet();
    }

    /** Number of its attachments. */
    public int liveAttachments() {
        return attachments.get();
    }

    /** The core has created a mapping for it. */
    public void noteMapped() {
        mappings.incrementAndGet();
    }

    /** A mapping has ended. */
    public void noteUnmapped() {
        mappings.decrementAndGet();
    }

    /** Number of live mappings. */
    public int liveMappings() {
        return mappings.get();
    }
}
