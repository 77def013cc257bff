/**
 * Real cache operations, for devices that really do not snoop. The cache model is in another package ({@link
 * sluice.dmacore.model}).
 */
@NullMarked
package sluice.dmacore.executor;

import org.jspecify.annotations.NullMarked;
