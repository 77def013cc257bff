/**
 * Runs one device on one loop, for whatever transport: its queues, kicks and interrupts, and its view of guest memory.
 *
 * <p>Transports post here and get called back; they never touch a device or a queue themselves. No protocol may enter.
 */
@NullMarked
package sluice.vdev.host;

import org.jspecify.annotations.NullMarked;
