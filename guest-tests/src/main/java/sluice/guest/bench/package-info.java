/**
 * The comparison of Sluice with the C peer: one C front-end measures both in turn, and the ratios are what counts.
 *
 * <p>Nothing here is measured from Java: what waits and what is timed is the front-end {@code bench/peers.c}. Microbenchmarks are
 * not here but in {@code guest-tests/bench}, where JMH is.
 */
@NullMarked
package sluice.guest.bench;

import org.jspecify.annotations.NullMarked;
