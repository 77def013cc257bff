/**
 * Sources of pictures for capture cards: a test pattern, a file, or numbered lines that a program can verify to the
 * byte; and the options that select one. And the last picture of a card, as an object of the machine's other devices.
 *
 * <p>Must not use cards, sockets, QEMU or Netty.
 */
@NullMarked
package sluice.vdev.video;

import org.jspecify.annotations.NullMarked;
