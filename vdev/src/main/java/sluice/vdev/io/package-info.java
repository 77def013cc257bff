/**
 * Netty channels that read whole messages with exactly their descriptors, listening sockets, and eventfds on Netty's
 * loops; secrets and certificates that servers read from files.
 *
 * <p>It knows the length of a message, not its content. Must not contain any protocol.
 */
@NullMarked
package sluice.vdev.io;

import org.jspecify.annotations.NullMarked;
