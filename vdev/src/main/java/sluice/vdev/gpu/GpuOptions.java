package sluice.vdev.gpu;

import sluice.iommu.fault.FaultPolicy;

/**
 * How a GPU is made.
 *
 * @param outputs number of scan-outs its configuration space tells, 1 to 16; over vhost-user, QEMU puts its own max_outputs over it
 * @param memoryLimit bytes of host memory the images of all resources together may use; what else resources need has limits of
 *        its own, 16,384 resources and 131,072 entries in their lists of pages
 * @param onFault what it does when its own address space refuses it something; a stall cannot be, for nobody could end it
 */
public record GpuOptions(int outputs, long memoryLimit, FaultPolicy onFault) {
    /** As much as QEMU's own device allows a guest. */
    public static final long DEFAULT_MEMORY_LIMIT = 256L << 20;

    public GpuOptions {
        if (outputs < 1 || outputs > Scanouts.MAX) {
            throw new IllegalArgumentException(outputs + " outputs; there can be 1 to " + Scanouts.MAX);
        }
        if (memoryLimit < 1 << 20) {
            throw new IllegalArgumentException(
                    memoryLimit + " bytes of host memory are too little; the least is 1 MiB");
        }
        if (onFault instanceof FaultPolicy.Stall)
            throw new IllegalArgumentException("a GPU that stalls would wait for itself");
    }

    /** A GPU whose commands fail when an access does. */
    public GpuOptions(int outputs, long memoryLimit) {
        this(outputs, memoryLimit, new FaultPolicy.Abort());
    }

    public static GpuOptions defaults() {
        return new GpuOptions(1, DEFAULT_MEMORY_LIMIT);
    }
}
