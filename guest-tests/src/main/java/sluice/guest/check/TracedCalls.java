package sluice.guest.check;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;

/**
 * What a guest's kernel has called, from its trace: the latest calls, and hints. Only what the calls say by themselves is judged, because
 * they arrive later than the card's accesses. Not thread-safe.
 */
final class TracedCalls {
    /** Latest calls that are kept. */
    static final int MOST_MOMENTS = 2048;
    /** Mappings that are followed; a call that makes another one is lost. */
    static final int MOST_MAPPINGS = 4096;
    private static final int MOST_HINTS = 256;

    /** A mapping that has not ended. */
    private static final class Live {
        private final String name;
        private final TracedCall call;
        private final List<String> chain;
        private final boolean bounced;
        private boolean fetched;

        private Live(String name, TracedCall call, List<String> chain, boolean bounced) {
            this.name = name;
            this.call = call;
            this.chain = chain;
            this.bounced = bounced;
        }
    }

    private final boolean translated;
    /** By device and first address for the device, the latest first. */
    private final Map<String, Deque<Live>> mappings = new HashMap<>();
    private int live;
    private final Deque<Moment> moments = new ArrayDeque<>();
    /** By what tells one from another. */
    private final Map<String, Finding> hints = new LinkedHashMap<>();
    private long order;
    private long firstMicros = -1;
    private long lost;

    /** @param translated whether an IOMMU translates addresses, so that a bounce buffer cannot be told from another */
    TracedCalls(boolean translated) {
        this.translated = translated;
    }

    /**
     * Takes a call.
     *
     * @param chain functions of the kernel that led to it, innermost first; empty if unknown
     */
    void add(long micros, TracedCall call, List<String> chain) {
        if (firstMicros < 0) firstMicros = micros;
        String rule = "";
        String buffer = call.device().isEmpty() ? "dma-buf" : "";
        if (call.maps() && !call.addresses().isEmpty()) {
            buffer = map(call, chain);
        } else if (call.unmaps()) {
            Live ended = take(call);
            if (ended != null) {
                buffer = ended.name;
                rule = unmapped(call, chain, ended);
            }
        } else if (call.syncs() && !call.addresses().isEmpty()) {
            Live synced = find(call);
            if (synced != null) {
                buffer = synced.name;
                rule = synced(call, chain, synced);
            }
        }
        if (buffer.isEmpty() && !call.addresses().isEmpty()) buffer = named(call);
        order++;
        moments.add(new Moment(order, micros - firstMicros, "CALL", call.device(), call.name(), buffer, 0, call.bytes(),
                Math.max(1, Math.max(call.addresses().size(), call.physical().size())), call.direction(),
                call.attributes(), chain, rule));
        if (moments.size() > MOST_MOMENTS) moments.remove();
    }

    /** Calls that did not arrive, or not whole. */
    void lose(long calls) {
        lost = Math.addExact(lost, Math.clamp(calls, 0, Integer.MAX_VALUE));
    }

    /** All calls since the beginning that did not arrive, or not whole, or could not be followed. */
    long lost() {
        return lost;
    }

    /** The latest calls after one, in order. */
    List<Moment> momentsAfter(long earlier) {
        return moments.stream().filter(moment -> moment.order() > earlier).toList();
    }

    /** The number of calls so far. */
    long calls() {
        return order;
    }

    /** The hints since the last time. */
    List<Finding> takeHints() {
        List<Finding> all = new ArrayList<>(hints.values());
        hints.clear();
        return all;
    }

    private String map(TracedCall call, List<String> chain) {
        boolean bounced = !translated && !call.physical().isEmpty()
                && !call.physical().getFirst().equals(call.addresses().getFirst());
        Live made = new Live(named(call), call, chain, bounced);
        if (live == MOST_MAPPINGS) {
            lose(1);
            return made.name;
        }
        mappings.computeIfAbsent(key(call), _ -> new ArrayDeque<>()).push(made);
        live++;
        return made.name;
    }

    private static String named(TracedCall call) {
        return "%s 0x%x".formatted(call.name(), call.addresses().getFirst());
    }

    private static String key(TracedCall call) {
        return "%s %x".formatted(call.device(), call.addresses().getFirst());
    }

    /** An unmap of a list tells the addresses of its memory only, one of a single mapping that for the device. */
    private @Nullable Live take(TracedCall call) {
        if (!call.addresses().isEmpty()) return takeFrom(key(call), call);
        for (Map.Entry<String, Deque<Live>> at : mappings.entrySet()) {
            for (Live one : at.getValue()) {
                if (one.call.device().equals(call.device()) && one.call.name().equals("dma_map_sg")
                        && one.call.physical().equals(call.physical()))
                    return takeFrom(at.getKey(), call);
            }
        }
        return null;
    }

    private @Nullable Live takeFrom(String key, TracedCall call) {
        Deque<Live> here = mappings.get(key);
        if (here == null) return null;
        Live found = here.stream().filter(one -> one.call.direction().equals(call.direction())).findFirst()
                .orElse(here.getFirst());
        here.remove(found);
        if (here.isEmpty()) mappings.remove(key);
        live--;
        return found;
    }

    private @Nullable Live find(TracedCall call) {
        Deque<Live> here = mappings.get(key(call));
        if (here == null) return null;
        return here.stream().filter(one -> covers(one.call.direction(), call.direction())).findFirst()
                .orElse(here.getFirst());
    }

    private static boolean covers(String mapped, String used) {
        return mapped.equals("BIDIRECTIONAL") || mapped.equals(used);
    }

    private String unmapped(TracedCall call, List<String> chain, Live ended) {
        if (!ended.call.direction().equals(call.direction()))
            return hint(Rule.D7_UNMAP_DIRECTION, call, chain, ended,
                    "unmapped %s, but mapped %s".formatted(call.direction(), ended.call.direction()));
        boolean written = !call.direction().equals("TO_DEVICE");
        if (ended.bounced && written && !ended.fetched && call.has("SKIP_CPU_SYNC"))
            return hint(Rule.BOUNCE_NOT_COPIED_BACK, call, chain, ended,
                    "in a bounce buffer, and unmapped with DMA_ATTR_SKIP_CPU_SYNC without a sync for the CPU before");
        return "";
    }

    private String synced(TracedCall call, List<String> chain, Live synced) {
        if (call.isForCpu()) synced.fetched = true;
        return covers(synced.call.direction(), call.direction())
                ? ""
                : hint(Rule.D21_SYNC_DIRECTION, call, chain, synced,
                        "synced %s, but mapped %s".formatted(call.direction(), synced.call.direction()));
    }

    private String hint(Rule rule, TracedCall call, List<String> chain, Live mapping, String what) {
        String key = "%s %s %s %s".formatted(rule, call.device(), mapping.call.name(), what);
        if (hints.size() < MOST_HINTS || hints.containsKey(key)) {
            hints.merge(key,
                    new Finding(rule.name(), false, call.device(), mapping.name, 0, mapping.call.bytes(), 1, what,
                            call.said(), chain, mapping.chain),
                    (first, _) -> first.with(first.times() + 1, first.what()));
        }
        return rule.name();
    }
}
