package sluice.vdev.host;

import java.util.function.Consumer;

import sluice.dmacore.memory.GuestMemory;
import sluice.iommu.Access;

/**
 * The VM's IOMMU, as a transport reaches it.
 *
 * @param addressing of the addresses its translations lead to
 * @param questions asks it
 */
public record FrontIommu(GuestMemory.Addressing addressing, Questions questions) {
    /** Asks a front-end where an address leads. */
    @FunctionalInterface
    public interface Questions {
        /**
         * Does not wait.
         *
         * @param answer gets, on any thread and after {@link DeviceHost#translate} if the answer is yes, whether the driver has
         *            mapped the address for this access
         */
        void ask(long address, Access access, Consumer<Boolean> answer);
    }
}
