/**
 * The witness: a PCI function to which a module in the guest's kernel reports each call of the DMA API. {@link
 * sluice.dmacore.witness} processes the calls. The module is {@code guest-tests/kmod/witness}; its {@code message.h}
 * has the layout of {@link sluice.vdev.witness.WitnessMessage}.
 */
@NullMarked
package sluice.vdev.witness;

import org.jspecify.annotations.NullMarked;
