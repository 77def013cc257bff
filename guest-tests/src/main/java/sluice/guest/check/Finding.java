package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/**
 * A finding of the core during a cell, from its report.
 *
 * @param rule violated rule, by its name in {@link sluice.dmacore.finding.Rule}
 * @param error whether it is an error; otherwise a hint
 * @param device involved device: our card, or a device of the guest's kernel
 * @param buffer the mapping: the kernel's call and address
 * @param from first byte of the buffer
 * @param length in bytes
 * @param times number of occurrences in this cell
 * @param what description, as a clause
 * @param site where it was found: the kernel's call with direction and attributes, or a place of the card's model; may be empty
 * @param chain functions of the kernel that led to the call at which it was found, innermost first; empty if unknown
 * @param mapped functions of the kernel that led to the call that mapped the buffer; empty if unknown
 */
public record Finding(String rule, boolean error, String device, String buffer, long from, long length, long times,
        String what, String site, List<String> chain, List<String> mapped) {
    /** Without a site. */
    public Finding(String rule, boolean error, String device, String buffer, long from, long length, long times,
            String what) {
        this(rule, error, device, buffer, from, length, times, what, "", List.of(), List.of());
    }

    /** The same so often, and with another description. */
    Finding with(long occurrences, String said) {
        return new Finding(rule, error, device, buffer, from, length, occurrences, said, site, chain, mapped);
    }

    /** The same with the functions that led to the mapping. */
    Finding mappedBy(List<String> functions) {
        return new Finding(rule, error, device, buffer, from, length, times, what, site, chain, functions);
    }

    /** The errors and the hints in a device's report, in this order. */
    public static List<Finding> of(JsonObject report) {
        List<Finding> findings = new ArrayList<>();
        for (String kind : List.of("findings", "hints")) {
            for (JsonElement one : report.getAsJsonArray(kind))
                findings.add(read(one.getAsJsonObject(), kind.equals("findings")));
        }
        return findings;
    }

    /**
     * The number of calls of the kernel that were lost, refused or not tracked, and of findings for which there was no room: what was
     * found says nothing about these.
     *
     * @param witness report of the witness
     * @param device report of any other device of its process
     */
    public static long unseen(JsonObject witness, JsonObject device) {
        return witness.get("lost").getAsLong() + witness.get("refused").getAsLong()
                + witness.get("untracked").getAsLong() + device.get("findings_beyond").getAsLong();
    }

    private static Finding read(JsonObject json, boolean error) {
        return new Finding(json.get("rule").getAsString(), error, json.get("device").getAsString(),
                json.get("buffer").getAsString(), json.get("from").getAsLong(), json.get("length").getAsLong(),
                json.get("times").getAsLong(), json.get("what").getAsString(), json.get("site").getAsString(),
                json.get("chain").getAsString().lines().toList(), List.of());
    }
}
