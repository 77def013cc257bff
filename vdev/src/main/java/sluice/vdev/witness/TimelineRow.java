package sluice.vdev.witness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.witness.Timeline;

/**
 * Events of the timeline as they are in the report. What an event has not is left out. A call chain has a number, and its
 * {@code functions} are with the first event that has it.
 */
final class TimelineRow {
    private static final long NANOS_PER_MICRO = 1000;

    private TimelineRow() {}

    static List<Map<String, Object>> of(List<Timeline.Event> events) {
        Map<String, Integer> chains = new HashMap<>();
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Timeline.Event event : events) rows.add(of(event, chains));
        return rows;
    }

    private static Map<String, Object> of(Timeline.Event event, Map<String, Integer> chains) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("order", event.order());
        row.put("micros", event.nanos() / NANOS_PER_MICRO);
        row.put("kind", event.kind().name());
        put(row, "device", event.device());
        put(row, "call", event.call());
        put(row, "buffer", event.buffer());
        row.put("from", event.from());
        row.put("length", event.length());
        row.put("count", event.count());
        Direction direction = event.direction();
        if (direction != null) row.put("direction", direction.name());
        put(row, "attributes", event.attributes().stream().map(Enum::name).sorted().collect(Collectors.joining(" ")));
        if (!event.chain().isEmpty()) {
            Integer known = chains.putIfAbsent(event.chain(), chains.size() + 1);
            row.put("chain", known == null ? chains.size() : known);
            if (known == null) row.put("functions", event.chain());
        }
        Rule rule = event.rule();
        if (rule != null) row.put("rule", rule.name());
        return row;
    }

    private static void put(Map<String, Object> row, String name, String text) {
        if (!text.isEmpty()) row.put(name, text);
    }
}
