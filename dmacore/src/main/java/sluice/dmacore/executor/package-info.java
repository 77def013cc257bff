/**
 * Real cache operations, for devices that really do not snoop. The caches that are played are elsewhere
 * ({@link sluice.dmacore.model}).
 */
@NullMarked
package sluice.dmacore.executor;

import org.jspecify.annotations.NullMarked;
