/**
 * What goes wrong with fences, told where everything else is that goes wrong with buffers. A room between two that do not know
 * each other: sharing works without fences, and fences without sharing.
 *
 * <p>Nothing but the translation may enter.
 */
@NullMarked
package sluice.dmacore.finding.fence;

import org.jspecify.annotations.NullMarked;
