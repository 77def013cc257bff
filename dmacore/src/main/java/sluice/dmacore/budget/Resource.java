package sluice.dmacore.budget;

/**
 * The resources shared by the devices of a process, their limits, and how to raise them. The limits leave room for the
 * JVM itself.
 */
public enum Resource {
    /**
     * Mappings (mmap). A process that reaches the kernel's limit (vm.max_map_count, 65,530 by default) dies, because
     * the JVM can then no longer commit memory. A quarter of it; the rest is for the JVM, its libraries and malloc.
     */
    MAPPINGS("memory mappings", 16_384, "map fewer files"),
    /** Files of guest memory. A machine supports 2,048 files, including dma-bufs and bounce memory. */
    FILES("memory files", 1_536, "give the VM's memory fewer files"),
    /** Bytes of mapped files: half of what a process has on x86-64. A file may be sparse, its mapping is not. */
    ADDRESS_SPACE("bytes of address space", 1L << 46, "share files that are no larger than the VM's memory"),
    /** Bytes of memory outside the heap allocated for a guest: pictures, shadows of modelled caches. */
    HOST_MEMORY("bytes of host memory", HostLimits.memory(), "use a host, or a memory cgroup, with more memory"),
    /** Bytes of heap objects allocated for a guest, as estimated by the allocating code. */
    HEAP("bytes of heap", HostLimits.heap(), "give the JVM a larger heap (SLUICE_HEAP_MIB)"),
    /** Descriptors that front-ends have sent and that are still open. */
    DESCRIPTORS("open descriptors", HostLimits.descriptors(), "raise the limit (ulimit -n)");

    private final String things;
    private final long limit;
    private final String remedy;

    Resource(String things, long limit, String remedy) {
        this.things = things;
        this.limit = limit;
        this.remedy = remedy;
    }

    /** Its name in messages, in the plural. */
    String things() {
        return things;
    }

    /** The limit of all devices of a process together. */
    public long limit() {
        return limit;
    }

    /** How to raise the limit. */
    String remedy() {
        return remedy;
    }
}
