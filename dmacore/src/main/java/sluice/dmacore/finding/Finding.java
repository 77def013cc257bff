package sluice.dmacore.finding;

/**
 * A violation of a rule.
 *
 * @param rule which
 * @param device name of the device; empty if no device is involved
 * @param buffer name of the buffer
 * @param from first byte in the buffer
 * @param length in bytes
 * @param what description of the violation
 * @param site location in the program: class, method and line outside the core; for a guest's kernel, the called
 * function
 * @param chain the call chain of a guest's kernel, innermost function first, one a line; empty if unknown
 */
public record Finding(Rule rule, String device, String buffer, long from, long length, String what, String site,
        String chain) {
    /** One line for messages. */
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder(rule.name()).append(": ").append(what).append(": ");
        if (!device.isEmpty()) line.append(device).append(", ");
        line.append(buffer);
        if (length > 0) line.append(" [0x%x, 0x%x]".formatted(from, from + length - 1));
        return line.append(" (").append(rule.says()).append("; ").append(rule.source()).append("; at ").append(site)
                .append(')').toString();
    }
}
