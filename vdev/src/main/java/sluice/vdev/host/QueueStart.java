package sluice.vdev.host;

import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.queue.QueueLayout;

/**
 * All a queue needs to start.
 *
 * @param layout where it lies
 * @param position where to go on in the available ring
 * @param features all negotiated features
 * @param rings how the addresses of the layout are given
 */
public record QueueStart(QueueLayout layout, int position, long features, GuestMemory.Addressing rings) {}
