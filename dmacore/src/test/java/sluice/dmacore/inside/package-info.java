/**
 * The tests of this floor where there is no Maven: inside a guest, on a kernel with the devices they need.
 *
 * <p>A main program and what it prints. No test, and nothing about any one test, enters this room.
 */
@NullMarked
package sluice.dmacore.inside;

import org.jspecify.annotations.NullMarked;
