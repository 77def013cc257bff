/**
 * Virtqueues, the device's side (virtio 1.3 §2.7).
 *
 * <p>A queue answers {@code poll()} with one of four things, and nothing of the guest's is consumed unless it is a
 * chain: what stalls is simply polled again later. A chain is a snapshot; it is completed through itself, whenever and
 * in whatever order. No device, no transport, no thread and no waiting may enter.
 */
@NullMarked
package sluice.vdev.queue;

import org.jspecify.annotations.NullMarked;
