/**
 * Ownership transfers that a guest's kernel tells: each call of its DMA API is a call of the core, for the device that the kernel
 * made it for. So a device that does not snoop works under an untouched driver, and a call that the driver forgot is found.
 *
 * <p>The calls come from the guest, so they are checked like all other input. A guest that lies gets wrong findings, and reaches only its
 * own memory. The transport is not known here.
 */
@NullMarked
package sluice.dmacore.witness;

import org.jspecify.annotations.NullMarked;
