/**
 * What was done wrong with a buffer: rules, each with the place that says so, and findings, each with what was touched and by
 * whom. Nothing here stops anybody; whoever finds something also decides what to answer.
 *
 * <p>A rule may enter only if correct use never breaks it.
 */
@NullMarked
package sluice.dmacore.finding;

import org.jspecify.annotations.NullMarked;
