/**
 * Caches and memory of a machine whose devices do not snoop, played on one whose devices do: the only place where a missing
 * flush shows. What it does to bytes is what real hardware may do.
 *
 * <p>Nobody but the gate may call what is here.
 */
@NullMarked
package sluice.dmacore.model;

import org.jspecify.annotations.NullMarked;
