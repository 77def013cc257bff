/**
 * Ownership transfers that a guest's kernel tells: each call of its DMA API is a call of the core, for the device that the kernel
 * made it for. So a device that does not snoop works under an untouched driver, and a call that the driver forgot is found.
 *
 * <p>What is told comes from the guest and is checked like everything of its: a guest that lies gets wrong findings, and reaches no
 * memory that is not its own. How it is told is not known here.
 */
@NullMarked
package sluice.dmacore.witness;

import org.jspecify.annotations.NullMarked;
