/**
 * Runs one device on one loop, for any transport: its queues, kicks and interrupts, and its view of guest memory.
 *
 * <p>Transports post requests and receive callbacks; they never access a device or a queue directly. Must not contain
 * any protocol.
 */
@NullMarked
package sluice.vdev.host;

import org.jspecify.annotations.NullMarked;
