package sluice.vdev.host;

import java.io.IOException;

import sluice.dmacore.memory.GuestMemory;

/** A change of the memory table, carried out on the device's loop. */
@FunctionalInterface
public interface MemoryChange {
    /**
     * The table after the change; the caller releases it.
     *
     * @throws IOException the change is refused, and the table stays as it is
     */
    GuestMemory carryOut() throws IOException;
}
