/**
 * Devices as the core sees them: what a function can address, how it wants its memory, whether it snoops. These are
 * configuration: the same device may be run with an IOMMU and without one.
 *
 * <p>No buffer and no importer may enter.
 */
@NullMarked
package sluice.dmacore.device;

import org.jspecify.annotations.NullMarked;
