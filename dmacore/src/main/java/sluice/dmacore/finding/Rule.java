package sluice.dmacore.finding;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The rules of sharing a buffer. Rules named {@code D}<i>n</i> are those of the kernel's DMA-API debugging ({@code
 * kernel/dma/debug.c}, in the order of its checks); the others are not detectable there.
 *
 * <p>Recordings contain ordinals: new rules must be appended.
 */
public enum Rule {
    D2_UNMAP_NOT_MAPPED(Severity.ERROR, "a mapping ends once", "kernel/dma/debug.c: check_unmap"),
    D7_UNMAP_DIRECTION(Severity.ERROR, "unmap with the direction of the map", "kernel/dma/debug.c: check_unmap"),
    D9_UNMAP_ATTRIBUTES(Severity.ERROR, "unmap with the attributes of the map", "kernel/dma/debug.c: check_unmap"),
    D10_CONFINED_MEMORY(Severity.ERROR, "memory for devices is not confined to one thread",
            "kernel/dma/debug.c: check_for_stack"),
    D11_READ_ONLY_MEMORY(Severity.ERROR, "a device does not write read-only memory",
            "kernel/dma/debug.c: check_for_illegal_area"),
    D12_NO_SUCH_MEMORY(Severity.ERROR, "exported memory exists", "kernel/dma/debug.c: debug_dma_map_single"),
    D14_MMIO_OF_RAM(Severity.ERROR, "system memory is not mapped as MMIO",
            "kernel/dma/debug.c: debug_dma_map_phys"),
    D17_OVERLAPPING_WRITES(Severity.HINT, "one device at a time may write a cache line",
            "kernel/dma/debug.c: add_dma_entry"),
    D18_TOO_MANY_OVERLAPS(Severity.ERROR, "a line has few mappings; many indicate a leak",
            "kernel/dma/debug.c: active_cacheline_inc_overlap"),
    D19_SYNC_NOT_MAPPED(Severity.ERROR, "a sync needs a mapping", "kernel/dma/debug.c: check_sync"),
    D20_SYNC_TOO_LONG(Severity.ERROR, "a sync is inside its mapping", "kernel/dma/debug.c: check_sync"),
    D21_SYNC_DIRECTION(Severity.ERROR, "a sync has the direction of its mapping, or a part of it",
            "kernel/dma/debug.c: check_sync"),
    D22_SYNC_FOR_CPU_READ_ONLY(Severity.ERROR, "no sync for the CPU from a device that only reads",
            "kernel/dma/debug.c: check_sync"),
    D23_SYNC_FOR_DEVICE_WRITE_ONLY(Severity.ERROR, "no sync for a device that only writes",
            "kernel/dma/debug.c: check_sync"),
    D25_MAPPED_AT_DETACH(Severity.ERROR, "a driver unmaps everything before it is unbound",
            "kernel/dma/debug.c: dma_debug_device_change"),

    CPU_WROTE_DEVICE_OWNED(Severity.ERROR, "the CPU does not write memory owned by a device",
            "Documentation/core-api/dma-api-howto.rst: streaming mappings"),
    CPU_ACCESS_OUTSIDE_BRACKET(Severity.ERROR, "the CPU accesses a buffer between begin and end, and only their range",
            "Documentation/driver-api/dma-buf.rst: CPU access"),
    UNBALANCED_CPU_ACCESS(Severity.ERROR, "each begin has its end, with the same range and direction",
            "drivers/dma-buf/dma-buf.c: dma_buf_end_cpu_access"),
    CPU_ACCESS_OPEN(Severity.ERROR, "a CPU access ends before the device's access",
            "Documentation/driver-api/dma-buf.rst: CPU access"),
    TOO_MANY_ATOMIC_WINDOWS(Severity.ERROR, "a thread holds two atomic windows at most",
            "dma-buf-sharing.txt of 2012: kmap_atomic"),
    MISSING_SYNC_FOR_DEVICE(Severity.ERROR, "a device accesses only memory that was transferred to it",
            "Documentation/core-api/dma-api.rst: dma_sync_single_for_device"),
    MISSING_SYNC_FOR_CPU(Severity.ERROR, "a device's writes are transferred back before any other access",
            "Documentation/core-api/dma-api.rst: dma_sync_single_for_cpu"),
    DEVICE_AGAINST_DIRECTION(Severity.ERROR, "a device accesses memory in the direction of its mapping",
            "Documentation/core-api/dma-api.rst: enum dma_data_direction"),
    DEVICE_OUTSIDE_MAPPING(Severity.ERROR, "a device accesses only what is mapped for it",
            "Documentation/core-api/dma-api.rst"),
    DEVICE_AFTER_UNMAP(Severity.ERROR, "a device does not use a mapping after its unmap",
            "Documentation/core-api/dma-api.rst: dma_unmap_sg"),
    CPU_WRITES_LOST(Severity.ERROR, "the CPU's writes between a sync and the unmap are synced for the device first",
            "arch/arm64/mm/dma-mapping.c: arch_sync_dma_for_cpu"),
    NEVER_WRITTEN(Severity.HINT, "a device writes all of the memory that it should fill, or old bytes leak",
            "Documentation/core-api/swiotlb.rst"),
    SKIPPED_WHILE_DIRTY(Severity.ERROR, "a sync may be skipped only if no line is dirty",
            "include/linux/dma-mapping.h: DMA_ATTR_SKIP_CPU_SYNC"),
    SAME_PAGES_TWICE(Severity.HINT, "pages belong to one buffer", "drivers/dma-buf/udmabuf.c"),
    HELD_OVER_MOVE(Severity.ERROR, "after a move notification the mapping ends in bounded time",
            "include/linux/dma-buf.h: invalidate_mappings"),
    WROTE_WHILE_MOVING(Severity.ERROR, "a device does not write a buffer that is being moved",
            "include/linux/dma-buf.h: invalidate_mappings"),
    USE_AFTER_REVOKE(Severity.ERROR, "a revoked buffer is not used",
            "include/linux/dma-buf.h: dma_buf_attach_revocable"),
    DETACHED_WHILE_MAPPED(Severity.ERROR, "a mapping ends before its attachment does",
            "drivers/dma-buf/dma-buf.c: dma_buf_detach"),
    RELEASED_WHILE_ATTACHED(Severity.ERROR, "only the owner of a reference releases it",
            "drivers/dma-buf/dma-buf.c: dma_buf_put"),
    FENCE_LATE(Severity.ERROR, "a fence is signalled in bounded time", "drivers/dma-buf/dma-fence.c: fence contract"),
    FENCE_NOT_WAITED(Severity.ERROR, "work that needs a buffer waits for the fences of its users",
            "include/linux/dma-resv.h: dma_resv_usage_rw"),

    REDUNDANT_SYNC(Severity.HINT, "a redundant sync costs time",
            "D. Vetter, 2015-02-02: [RFCv3 2/2] dma-buf: add helpers for sharing attacher constraints"),
    MAPPED_AT_IMPORT(Severity.HINT, "a buffer is mapped when it is needed for DMA, not at import",
            "R. King, dri-devel, 2013-06-18: [RFC PATCH v2] dmabuf-sync"),
    BOUNCED(Severity.HINT, "zero copy means no copy", "kernel/dma/swiotlb.c"),
    HELD_LONG(Severity.HINT, "a pin or mapping that is held long keeps memory from moving",
            "D. Vetter, 2015-02-02: [RFCv3 2/2] dma-buf: add helpers for sharing attacher constraints"),
    MAPPED_TWICE(Severity.HINT, "an attachment has one mapping at a time",
            "drivers/dma-buf/dma-buf.c: dma_buf_map_attachment"),
    LEFT_ATTACHED(Severity.ERROR, "a driver detaches from all buffers before it is unbound, or they leak",
            "drivers/dma-buf/dma-buf.c: dma_buf_detach"),
    DEVICE_FOREIGN_ADDRESS(Severity.ERROR, "a device uses only addresses that were mapped for it",
            "Documentation/core-api/dma-api.rst: dma_map_sg"),
    SHARED_CACHE_LINE(Severity.ERROR, "memory owned by a device shares no cache line with other written data",
            "Documentation/core-api/dma-api-howto.rst: What memory is DMA'able?; dma_get_cache_alignment"),
    NEVER_FETCHED(Severity.HINT, "a device's writes are synced for the CPU before it reads them",
            "Documentation/core-api/dma-api.rst: dma_sync_single_for_cpu"),
    DIRTY_DROPPED(Severity.HINT, "CPU writes that the device does not overwrite are transferred to it TO_DEVICE",
            "arch/arc/mm/dma.c"),
    D3_UNMAP_SIZE(Severity.ERROR, "unmap with the size of the map", "kernel/dma/debug.c: check_unmap"),
    BOUNCE_NOT_COPIED_BACK(Severity.ERROR,
            "a device's writes to a bounce buffer are copied back by a sync or the unmap",
            "kernel/dma/swiotlb.c: swiotlb_tbl_unmap_single; Documentation/core-api/swiotlb.rst"),
    D15_SEGMENT_TOO_LONG(Severity.ERROR, "a segment of a list is not longer than its device accepts",
            "kernel/dma/debug.c: check_sg_segment"),
    D16_SEGMENT_BOUNDARY(Severity.ERROR, "a segment does not cross the segment boundary of its device",
            "kernel/dma/debug.c: check_sg_segment"),
    TOO_MANY_SEGMENTS(Severity.ERROR, "a list has no more segments than its device accepts",
            "D. Vetter, 2015-02-02: [RFCv3 2/2] dma-buf: add helpers for sharing attacher constraints"),
    NOT_CONTIGUOUS(Severity.ERROR, "a device that needs contiguous memory gets contiguous memory",
            "drivers/media/common/videobuf2/videobuf2-dma-contig.c: vb2_dc_get_contiguous_size"),
    BEYOND_DMA_MASK(Severity.ERROR, "a device gets no address beyond its DMA mask",
            "Documentation/core-api/dma-api-howto.rst: DMA addressing capabilities"),
    SHOWN_WITHOUT_MEMORY(Severity.ERROR, "a buffer keeps its memory while it is on a screen",
            "drivers/gpu/drm/drm_framebuffer.c: drm_framebuffer_get; include/linux/dma-buf.h: invalidate_mappings"),
    D1_UNMAP_OF_ERROR(Severity.ERROR, "a map that has failed is not unmapped", "kernel/dma/debug.c: check_unmap"),
    D4_UNMAP_FUNCTION(Severity.ERROR, "a mapping ends by the function that belongs to the one that made it",
            "kernel/dma/debug.c: check_unmap"),
    D5_FREE_CPU_ADDRESS(Severity.ERROR, "memory is freed with the CPU's address with which it was allocated",
            "kernel/dma/debug.c: check_unmap"),
    D6_UNMAP_ENTRIES(Severity.ERROR, "a list is unmapped with as many entries as the map was given",
            "kernel/dma/debug.c: check_unmap"),
    D24_SYNC_ENTRIES(Severity.ERROR, "a list is synced with as many entries as the map was given",
            "kernel/dma/debug.c: check_sync");

    /** Whether a violation is always wrong. */
    public enum Severity {
        /** An error: on some machines it gives wrong bytes. */
        ERROR,
        /** Legal, but has a cost. */
        HINT
    }

    private static final List<Rule> ALL = List.of(values());

    private final Severity severity;
    private final String says;
    private final String source;

    Rule(Severity severity, String says, String source) {
        this.severity = severity;
        this.says = says;
        this.source = source;
    }

    public Severity severity() {
        return severity;
    }

    /** Number in recordings. */
    @SuppressWarnings("EnumOrdinal") // as the class says: rules are appended
    public int number() {
        return ordinal();
    }

    /** The rule with a number, or null if it is unknown: a recording may be of a later version. */
    public static @Nullable Rule numbered(int number) {
        return number >= 0 && number < ALL.size() ? ALL.get(number) : null;
    }

    /** The rule in words. */
    public String says() {
        return says;
    }

    /** Its source: a kernel file, or a message on a kernel mailing list. */
    public String source() {
        return source;
    }
}
