package sluice.guest.check;

import java.io.PrintWriter;

/** Prints what can be checked. */
final class CheckList {
    private CheckList() {}

    static void print(PrintWriter out) {
        out.println("drivers (--driver), each with its card:");
        for (Card card : Card.ALL) {
            out.printf("  %-18s %s; modules %s; it %s buffers%s%n", card.driver(), card.device(),
                    String.join(", ", card.modules()), card.role().verb(),
                    card.scatters() ? "; takes buffers of single pages without an IOMMU" : "");
        }
        out.println("buffers (--import):");
        for (Memory memory : Memory.values())
            out.printf("  %-18s %s; needs %s%n", memory.label(),
                    memory.help(), memory.needs());
        out.println("uses (--use), mistakes all but the first:");
        for (Use use : Use.values()) out.printf("  %-18s %s%n", use.label(), use.help());
        out.println("machines:");
        out.println("  --iommu            none, intel-lazy, intel-strict, virtio");
        out.println("  --bounce           off, force (swiotlb=force: all DMA goes through bounce buffers)");
        out.println(
                "  --coherency        coherent, non-coherent (needs CONFIG_DYNAMIC_FTRACE and tracepoints, for the witness)");
        out.println("how the kernel's calls are told (--witness):");
        out.println(
                "  module             all of them, before the kernel continues; needs CONFIG_MODULES and CONFIG_DYNAMIC_FTRACE");
        out.println(
                "  trace              for a kernel that loads no module; needs CONFIG_EVENT_TRACING and Linux 6.12. It cannot see:");
        for (String unseen : CallSource.TRACE.unseen()) out.println("                       " + unseen);
        out.flush();
    }
}
