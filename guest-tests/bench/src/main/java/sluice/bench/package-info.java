/**
 * Microbenchmarks of the device's inner loops: one thread, no sockets, no wake-ups. What they cost in a whole process is what
 * {@code sluice bench peers} measures.
 */
@NullMarked
package sluice.bench;

import org.jspecify.annotations.NullMarked;
