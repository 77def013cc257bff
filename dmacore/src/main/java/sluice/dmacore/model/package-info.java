/**
 * A model of the caches and the memory of a machine with non-snooping devices, on a machine with snooping devices: it
 * makes missing cache maintenance visible. It changes bytes only as real hardware may.
 *
 * <p>Only the gate may call this package.
 */
@NullMarked
package sluice.dmacore.model;

import org.jspecify.annotations.NullMarked;
