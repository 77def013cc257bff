package sluice.vdev.gpu;

import sluice.iommu.fault.FaultPolicy;

/**
 * How a GPU is made.
 *
 * @param outputs number of scan-outs its configuration space tells, 1 to 16; over vhost-user, QEMU puts its own max_outputs over it
 * @param scanouts how many commands may name, from {@code outputs} to 16: more where a front-end tells the guest a number of its
 *        own, which we do not hear of
 * @param memoryLimit bytes of host memory the images of all resources together may use, and what all scan-outs show together
 *        in the memory of the front-end; for a GPU that does not snoop also the
 *        shadows of the pages behind them; what else resources need has limits of its own, 16,384 resources and 131,072 entries in
 *        their lists of pages, and the device's share of the process
 * @param onFault what it does when its own address space refuses it something; a stall cannot be, for nobody could end it
 * @param blobs whether resources may be shared memory (VIRTIO_GPU_F_RESOURCE_BLOB)
 */
public record GpuOptions(int outputs, int scanouts, long memoryLimit, FaultPolicy onFault, boolean blobs) {
    /** As much as QEMU's own device allows a guest. */
    public static final long DEFAULT_MEMORY_LIMIT = 256L << 20;

    /** The most outputs there can be (VIRTIO_GPU_MAX_SCANOUTS). */
    public static final int MAX_OUTPUTS = Scanouts.MAX;

    public GpuOptions {
        if (outputs < 1 || outputs > Scanouts.MAX) {
            throw new IllegalArgumentException(outputs + " outputs; give 1 to " + Scanouts.MAX);
        }
        if (scanouts < outputs || scanouts > Scanouts.MAX) {
            throw new IllegalArgumentException(
                    "%d scan-outs for %d outputs; give at most %d".formatted(scanouts, outputs, Scanouts.MAX));
        }
        if (memoryLimit < 1 << 20) {
            throw new IllegalArgumentException(
                    memoryLimit + " bytes of host memory; give at least 1 MiB");
        }
        if (onFault instanceof FaultPolicy.Stall)
            throw new IllegalArgumentException("a GPU cannot stall on its own faults");
    }

    /** A GPU without blobs. */
    public GpuOptions(int outputs, int scanouts, long memoryLimit, FaultPolicy onFault) {
        this(outputs, scanouts, memoryLimit, onFault, false);
    }

    /** A GPU that has the scan-outs it tells of. */
    public GpuOptions(int outputs, long memoryLimit, FaultPolicy onFault) {
        this(outputs, outputs, memoryLimit, onFault);
    }

    /** The same, whose commands fail when an access does. */
    public GpuOptions(int outputs, long memoryLimit) {
        this(outputs, memoryLimit, new FaultPolicy.Abort());
    }

    /** Tells of one output, and takes commands for as many as a front-end may have told of instead. */
    public static GpuOptions defaults() {
        return new GpuOptions(1, Scanouts.MAX, DEFAULT_MEMORY_LIMIT, new FaultPolicy.Abort());
    }

    /** The same options for commands that may name as many scan-outs as there can be. */
    public GpuOptions withAnyScanout() {
        return new GpuOptions(outputs, Scanouts.MAX, memoryLimit, onFault, blobs);
    }

    /** The same options with blobs. */
    public GpuOptions withBlobs() {
        return new GpuOptions(outputs, scanouts, memoryLimit, onFault, true);
    }
}
