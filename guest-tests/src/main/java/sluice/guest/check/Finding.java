package sluice.guest.check;

/**
 * What the core found while a cell ran, as its report says it.
 *
 * @param rule that was broken, as {@link sluice.dmacore.finding.Rule} names it
 * @param error whether it is a mistake; a hint otherwise
 * @param device that took part: our card by its name, or a device of the guest's kernel
 * @param buffer what it was about: the kernel's call that mapped it, and where
 * @param from first byte of the buffer
 * @param length in bytes
 * @param times how often, in this cell
 * @param what happened, in a clause
 */
record Finding(String rule, boolean error, String device, String buffer, long from, long length, long times,
        String what) {}
