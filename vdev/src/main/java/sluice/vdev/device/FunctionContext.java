package sluice.vdev.device;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.pci.ConfigSpace;

/**
 * The services of the host for a PCI function: DMA, interrupts, timers. Called on the function's loop; callbacks run
 * there, too.
 */
public interface FunctionContext {
    /** The outcome of a DMA access. */
    enum Dma {
        /** Success. */
        DONE,
        /** The address is not mapped, or not for this access. The fault was recorded; nothing was done. */
        FAULT,
        /**
         * A part of the range is memory without a file: use {@link #readLater} or {@link #writeLater}. Nothing was
         * done.
         */
        ONLY_LATER,
        /** The driver has not set the bus master bit in the command register. Nothing was done. */
        NOT_BUS_MASTER
    }

    /**
     * Drives the interrupt line. Level-triggered: the guest is interrupted again until the line is deasserted.
     */
    void assertInterrupt(boolean asserted);

    /** Sends an MSI-X message, if the driver has set up the vector; otherwise it is lost, as on hardware. */
    void signal(int vector);

    /**
     * Access to guest memory by bus address, without a copy. The function itself must check that it is a {@linkplain
     * ConfigSpace#isBusMaster bus master}. Results are valid until the function returns to its loop; later they must be
     * resolved again if the generation has changed.
     *
     * <p>Always coherent, also for a non-snooping function: for its rings.
     */
    FrontTranslation memory();

    /** Reads guest memory at a bus address. */
    Dma read(long address, MemorySegment target, long targetOffset, long length);

    /** Writes guest memory at a bus address. */
    Dma write(long address, MemorySegment source, long sourceOffset, long length);

    /**
     * Reads guest memory, with or without a file.
     *
     * @param length in bytes, up to 1 MiB
     * @param done receives the bytes, or null if the access faulted or the front-end did not answer
     */
    void readLater(long address, int length, Consumer<byte @Nullable []> done);

    /**
     * Writes guest memory, with or without a file.
     *
     * @param bytes up to 1 MiB, must not be changed until {@code done} is called
     * @param done receives whether it succeeded
     */
    void writeLater(long address, byte[] bytes, Consumer<Boolean> done);

    /**
     * Calls {@code task} every {@code nanos} nanoseconds, first after that time.
     *
     * @return ends it
     */
    Runnable every(long nanos, Runnable task);

    /**
     * Marks the delivery of a frame, for recordings: the accesses since the previous frame belong to it.
     *
     * @param number of the frame, in the driver's numbering
     */
    void delivered(long number);
}
