package sluice.guest.check;

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
 * @param description, as a clause
 */
record Finding(String rule, boolean error, String device, String buffer, long from, long length, long times,
        String what) {}
