/**
 * What happened to buffers, in the order it happened: events of one fixed shape, and who takes them.
 *
 * <p>Events are told here and nowhere else. Nobody in this package knows what a buffer is: an event carries numbers, and the
 * names of what they stand for are told once.
 */
@NullMarked
package sluice.dmacore.trace;

import org.jspecify.annotations.NullMarked;
