package sluice.dmacore.witness;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;

/**
 * Whether a call that ends, frees or syncs a mapping fits the call that made it ({@code kernel/dma/debug.c: check_unmap,
 * check_sync}).
 */
final class CallJudge {
    /** DMA_MAPPING_ERROR of {@code include/linux/dma-mapping.h}. */
    private static final long MAPPING_ERROR = -1;

    /** Calls that belong together. */
    private enum Family {
        SINGLE,
        RESOURCE,
        LIST,
        COHERENT,
        PAGES,
        NONCONTIGUOUS,
        IOVA,
        /** Of a later kernel. */
        UNKNOWN;

        static Family of(String call) {
            return switch (call) {
                case "dma_map_phys", "dma_map_page", "dma_unmap_phys", "dma_unmap_page" -> SINGLE;
                case "dma_map_resource", "dma_unmap_resource" -> RESOURCE;
                case "dma_map_sg", "dma_unmap_sg" -> LIST;
                case "dma_alloc", "dma_free" -> COHERENT;
                case "dma_alloc_pages", "dma_free_pages" -> PAGES;
                case "dma_alloc_noncontiguous", "dma_free_noncontiguous" -> NONCONTIGUOUS;
                case "dma_iova_link", "dma_iova_unlink", "dma_iova_destroy" -> IOVA;
                default -> UNKNOWN;
            };
        }
    }

    private final Findings findings;
    private final String device;

    CallJudge(Findings findings, String device) {
        this.findings = findings;
        this.device = device;
    }

    /** Whether an address is what a map returns that has failed, which is no mapping; it is a finding then. */
    boolean isMappingError(KernelCall call, long address, long length) {
        if (address != MAPPING_ERROR) return false;
        findings.add(Rule.D1_UNMAP_OF_ERROR, device, "DMA_MAPPING_ERROR", 0, length,
                call.name() + " of DMA_MAPPING_ERROR: the result of the map was not checked");
        return true;
    }

    /** A call ends a mapping, or frees it. */
    void ends(KernelCall call, KernelMapping mapping) {
        KernelCall made = mapping.call();
        Family family = Family.of(call.name());
        Family other = Family.of(made.name());
        if (family != other && family != Family.UNKNOWN && other != Family.UNKNOWN) {
            found(Rule.D4_UNMAP_FUNCTION, mapping, "ended by %s, but made by %s".formatted(call.name(), made.name()));
        } else if (differ(call.listed(), made.listed())) {
            found(Rule.D6_UNMAP_ENTRIES, mapping,
                    "unmapped with %d entries, but mapped with %d".formatted(call.listed(), made.listed()));
        } else if (differ(call.cpuAddress(), made.cpuAddress())) {
            found(Rule.D5_FREE_CPU_ADDRESS, mapping, "freed with the CPU's address 0x%x, but allocated with 0x%x"
                    .formatted(call.cpuAddress(), made.cpuAddress()));
        }
    }

    /** A call syncs a mapping from its first entry on. */
    void syncs(KernelCall call, KernelMapping mapping) {
        if (differ(call.listed(), mapping.call().listed()))
            found(Rule.D24_SYNC_ENTRIES, mapping, "synced with %d entries, but mapped with %d".formatted(call.listed(),
                    mapping.call().listed()));
    }

    /** Zero is what is not known. */
    private static boolean differ(long one, long other) {
        return one != 0 && other != 0 && one != other;
    }

    private void found(Rule rule, KernelMapping mapping, String what) {
        findings.add(rule, device, mapping.name(), 0, mapping.bytes(), what);
    }
}
