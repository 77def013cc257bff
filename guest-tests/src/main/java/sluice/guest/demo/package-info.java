/**
 * {@code ./sluice demo}: end to end, from an installed QEMU to a picture compared pixel by pixel.
 *
 * <p>Contains the sequence of steps only. Booting, drawing and comparing are in the parent package, where tests use
 * them, too.
 */
@NullMarked
package sluice.guest.demo;

import org.jspecify.annotations.NullMarked;
