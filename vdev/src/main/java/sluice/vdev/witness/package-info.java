/**
 * The witness: a PCI function to which a module in the guest's kernel tells each call of the DMA API. What the calls mean is
 * {@link sluice.dmacore.witness}'s business. The module is {@code guest-tests/kmod/witness}, and {@code message.h} there has the same
 * layout as {@link sluice.vdev.witness.WitnessMessage}.
 */
@NullMarked
package sluice.vdev.witness;

import org.jspecify.annotations.NullMarked;
