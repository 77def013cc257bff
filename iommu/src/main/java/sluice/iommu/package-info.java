/**
 * Address spaces, tables and faults: the ground floor.
 *
 * <p>A room for arithmetic on addresses and for what is found behind them. It knows neither devices nor memory: a value
 * behind an address is opaque here. Nothing but {@code java.base} may enter; no file, socket, native call or thread.
 */
@NullMarked
package sluice.iommu;

import org.jspecify.annotations.NullMarked;
