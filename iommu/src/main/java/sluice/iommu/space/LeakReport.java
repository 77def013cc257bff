package sluice.iommu.space;

import java.util.List;

/**
 * Mappings left when a space was detached from its device.
 *
 * @param space name of the space
 * @param mappings in address order; empty if there are none
 */
public record LeakReport(String space, List<Mapping> mappings) {
    public LeakReport {
        mappings = List.copyOf(mappings);
    }

    /** The report as text: a line for each mapping, with its creation site if recorded. */
    @Override
    public String toString() {
        if (mappings.isEmpty()) return space + ": nothing was left mapped";
        StringBuilder text = new StringBuilder("%s: %d mappings were left:".formatted(space, mappings.size()));
        for (Mapping mapping : mappings) {
            text.append("%n  mapping %d, %s %s of %s".formatted(mapping.id(), mapping.range(), mapping.permission(),
                    mapping.owner()));
            if (mapping.site() != null) text.append(", made at ").append(mapping.site());
        }
        return text.toString();
    }
}
