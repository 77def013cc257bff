/**
 * Virtqueues, the device's side (virtio 1.3 §2.7).
 *
 * <p>{@code poll()} returns one of four results and consumes nothing unless it returns a chain; a stalled queue is
 * polled again later. A chain is a snapshot with its own completion methods; chains complete at any time and in any
 * order. Must not use devices, transports or threads, and must not wait.
 */
@NullMarked
package sluice.vdev.queue;

import org.jspecify.annotations.NullMarked;
