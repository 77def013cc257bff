package sluice.vdev.host;

import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.queue.QueueLayout;

/**
 * Parameters of a queue start.
 *
 * @param layout addresses of its areas
 * @param position start position in the available ring
 * @param features all negotiated features
 * @param rings kind of the addresses in the layout
 */
public record QueueStart(QueueLayout layout, int position, long features, GuestMemory.Addressing rings) {}
