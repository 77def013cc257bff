package sluice.vdev.gpu;

import sluice.iommu.fault.FaultPolicy;

/**
 * Options of a GPU.
 *
 * @param outputs number of scan-outs in its configuration space, 1 to 16; over vhost-user, QEMU replaces it by its own
 * max_outputs
 * @param scanouts number of scan-outs valid in commands, from {@code outputs} to 16: larger if the front-end reports
 * another number to the guest
 * @param memoryLimit bytes of host memory the images of all resources together may use, and what all scan-outs show together
 *        in the memory of the front-end; for a GPU that does not snoop also the
 *        shadows of the pages behind them; what else resources need has limits of its own, 16,384 resources and 131,072 entries in
 *        their lists of pages, and the device's share of the process
 * @param onFault policy for an access refused by its own address space; stall is not allowed
 * @param blobs whether resources may be shared memory (VIRTIO_GPU_F_RESOURCE_BLOB)
 * @param windowBytes size of the window in which the guest maps host memory, a power of two from 1 MiB; 0 for no host
 * memory. With it the GPU offers contexts, and VIRTIO_GPU_F_VIRGL, without which Linux has neither
 */
public record GpuOptions(int outputs, int scanouts, long memoryLimit, FaultPolicy onFault, boolean blobs,
        long windowBytes) {
    /** The limit of QEMU's own device. */
    public static final long DEFAULT_MEMORY_LIMIT = 256L << 20;

    /** Most outputs (VIRTIO_GPU_MAX_SCANOUTS). */
    public static final int MAX_OUTPUTS = Scanouts.MAX;

    public GpuOptions {
        if (windowBytes != 0 && (windowBytes < 1 << 20 || Long.bitCount(windowBytes) != 1 || !blobs)) {
            throw new IllegalArgumentException(
                    windowBytes + " bytes of a window; give a power of two, at least 1 MiB, and blobs");
        }
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
        this(outputs, scanouts, memoryLimit, onFault, false, 0);
    }

    /** A GPU with as many scan-outs as outputs. */
    public GpuOptions(int outputs, long memoryLimit, FaultPolicy onFault) {
        this(outputs, outputs, memoryLimit, onFault);
    }

    /** The same; commands fail when an access faults. */
    public GpuOptions(int outputs, long memoryLimit) {
        this(outputs, memoryLimit, new FaultPolicy.Abort());
    }

    /** One output, with all scan-outs valid in commands, because the front-end may report another number. */
    public static GpuOptions defaults() {
        return new GpuOptions(1, Scanouts.MAX, DEFAULT_MEMORY_LIMIT, new FaultPolicy.Abort());
    }

    /** The same options with all scan-outs valid in commands. */
    public GpuOptions withAnyScanout() {
        return new GpuOptions(outputs, Scanouts.MAX, memoryLimit, onFault, blobs, windowBytes);
    }

    /** The same options with blobs. */
    public GpuOptions withBlobs() {
        return new GpuOptions(outputs, scanouts, memoryLimit, onFault, true, windowBytes);
    }

    /** The same options with blobs, also of host memory, which the guest maps in a window of this size. */
    public GpuOptions withHostBlobs(long window) {
        return new GpuOptions(outputs, scanouts, memoryLimit, onFault, true, window);
    }
}
