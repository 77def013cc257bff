package sluice.guest.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/**
 * An event of a machine, from the witness's report: a call of the guest's kernel, or accesses of the card.
 *
 * @param order its place among all of the machine, from 1
 * @param micros since the first of them
 * @param kind {@code CALL}, {@code READ} or {@code WRITE}
 * @param device for which is called, or which accesses; empty if none
 * @param call the kernel's function; empty for an access
 * @param buffer the mapping; empty if there is none
 * @param from offset in the mapping, or without a mapping the address
 * @param length in bytes
 * @param count entries of the call's list, or accesses
 * @param direction of the call; empty for an access
 * @param attributes of the call, with a space between
 * @param chain functions of the kernel that led to the call, innermost first; empty if unknown
 * @param rule the rule that it broke, as in {@link Finding}; empty if none
 */
record Moment(long order, long micros, String kind, String device, String call, String buffer, long from, long length,
        long count, String direction, String attributes, List<String> chain, String rule) {
    /** Those in a report of the witness, in order. */
    static List<Moment> of(JsonObject witness) {
        Map<Long, List<String>> chains = new HashMap<>();
        List<Moment> moments = new ArrayList<>();
        for (JsonElement one : witness.getAsJsonArray("timeline")) {
            JsonObject json = one.getAsJsonObject();
            long chain = json.has("chain") ? json.get("chain").getAsLong() : 0;
            if (json.has("functions")) chains.put(chain, json.get("functions").getAsString().lines().toList());
            moments.add(new Moment(number(json, "order"), number(json, "micros"), text(json, "kind"),
                    text(json, "device"), text(json, "call"), text(json, "buffer"), number(json, "from"),
                    number(json, "length"), number(json, "count"), text(json, "direction"), text(json, "attributes"),
                    chains.getOrDefault(chain, List.of()), text(json, "rule")));
        }
        return moments;
    }

    private static long number(JsonObject json, String name) {
        return json.get(name).getAsLong();
    }

    private static String text(JsonObject json, String name) {
        return json.has(name) ? json.get(name).getAsString() : "";
    }

    /** Whether the kernel called. */
    boolean isCall() {
        return kind.equals("CALL");
    }

    /** Whether it is the call that made a device's mapping: mappings are named after it. */
    boolean maps(String owner, String mapping) {
        return isCall() && device.equals(owner) && buffer.equals(mapping) && mapping.startsWith(call + " ");
    }
}
