package sluice.dmacore.budget;

/**
 * What the devices of a process have together, how much of it there is, and what to do for more. The limits leave room for what
 * the JVM needs itself.
 */
public enum Resource {
    /**
     * Mappings (mmap). A process that runs into the kernel's limit (vm.max_map_count, 65,530 by default) dies, because the JVM
     * itself can then no longer commit memory. A quarter of it: the JVM, its libraries and malloc live in the rest.
     */
    MAPPINGS("memory mappings", 16_384, "map fewer files"),
    /** Files of guest memory. A machine can tell 2,048 files apart, dma-bufs and bounce memory among them. */
    FILES("memory files", 1_536, "give the VM's memory fewer files"),
    /** Bytes of mapped files: half of what a process has on x86-64. A file may be sparse, its mapping is not. */
    ADDRESS_SPACE("bytes of address space", 1L << 46, "share files that are no larger than the VM's memory"),
    /** Bytes of pages outside of the heap that are written on a guest's say: pictures, memory behind modelled caches. */
    HOST_MEMORY("bytes of host memory", HostLimits.memory(), "use a host, or a memory cgroup, with more memory"),
    /** Bytes of objects that are kept on a guest's say, as estimated by whoever keeps them. */
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

    /** Its name in a sentence, in the plural. */
    String things() {
        return things;
    }

    /** How much a process has for all of its devices. */
    public long limit() {
        return limit;
    }

    /** What somebody can do who needs more of it. */
    String remedy() {
        return remedy;
    }
}
