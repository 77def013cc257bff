package sluice.dmacore.finding;

/**
 * A rule was broken.
 *
 * @param rule which
 * @param device whose attachment it was; empty if no device took part
 * @param buffer name of the buffer
 * @param from first byte of the buffer it is about
 * @param length in bytes
 * @param what happened, in a sentence
 * @param site where in the program: class, method and line outside of the core; of a guest's kernel, the function that was called
 */
public record Finding(Rule rule, String device, String buffer, long from, long length, String what, String site) {
    /** One line for a person. */
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
