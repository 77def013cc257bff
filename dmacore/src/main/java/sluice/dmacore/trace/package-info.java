/**
 * Tracing of buffers: events of one fixed format, and the sinks that receive them.
 *
 * <p>All events pass through here. This package does not depend on buffers: an event carries numbers, which are named
 * once.
 */
@NullMarked
package sluice.dmacore.trace;

import org.jspecify.annotations.NullMarked;
