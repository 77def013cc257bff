/**
 * Pictures that capture cards show: a test pattern, a file, or numbered lines that a program can verify to the byte; and the options
 * by which a card is given one of them.
 *
 * <p>It knows no card, and neither sockets nor QEMU nor Netty.
 */
@NullMarked
package sluice.vdev.video;

import org.jspecify.annotations.NullMarked;
