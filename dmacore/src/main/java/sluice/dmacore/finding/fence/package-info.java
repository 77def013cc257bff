/**
 * Adds findings of fences to those of buffers. A separate package, because buffers and fences do not depend on each
 * other.
 *
 * <p>Must contain the conversion only.
 */
@NullMarked
package sluice.dmacore.finding.fence;

import org.jspecify.annotations.NullMarked;
