/**
 * Ownership transfers reported by a guest's kernel: each call of its DMA API becomes a call of the core for the same
 * device. So a non-snooping device works with an unmodified driver, and missing calls are found.
 *
 * <p>The calls come from the guest and are checked like all other input. Wrong reports cause wrong findings only, and
 * access only the guest's own memory. Must not depend on the transport of the reports.
 */
@NullMarked
package sluice.dmacore.witness;

import org.jspecify.annotations.NullMarked;
