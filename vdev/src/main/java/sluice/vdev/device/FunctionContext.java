package sluice.vdev.device;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.pci.ConfigSpace;

/** What a function may use of the world. Everything here is called on the function's loop, and calls back there. */
public interface FunctionContext {
    /** What became of a DMA access. */
    enum Dma {
        /** It was done. */
        DONE,
        /** The address is not mapped, or not for this access. It was recorded; nothing was done. */
        FAULT,
        /** Only the front-end reaches a part of the range: {@link #readLater} and {@link #writeLater} ask it. Nothing was done. */
        ONLY_LATER,
        /** The driver has not set the bus master bit in the command register. Nothing was done. */
        NOT_BUS_MASTER
    }

    /**
     * Drives the interrupt line. It is a level: it stays asserted, and the guest is interrupted again, until it is taken back.
     */
    void assertInterrupt(boolean asserted);

    /** Sends an MSI-X message, if the driver has set the vector up; otherwise it is lost, as on a bus. */
    void signal(int vector);

    /**
     * Memory of the guest by bus address, to be used without a copy. It does not ask whether the function is a {@linkplain
     * ConfigSpace#isBusMaster bus master}, the function does. What it leads to is good until the function returns to its
     * loop; later it is looked up again if the generation has changed.
     *
     * <p>This is the guest's own memory also for a function that does not snoop: for its rings, which are always coherent.
     */
    FrontTranslation memory();

    /** Reads memory of the guest at a bus address. */
    Dma read(long address, MemorySegment target, long targetOffset, long length);

    /** Writes memory of the guest at a bus address. */
    Dma write(long address, MemorySegment source, long sourceOffset, long length);

    /**
     * Reads memory of the guest, wherever it is.
     *
     * @param length in bytes, up to 1 MiB
     * @param done gets the bytes, or null if the access faulted or the front-end did not answer
     */
    void readLater(long address, int length, Consumer<byte @Nullable []> done);

    /**
     * Writes memory of the guest, wherever it is.
     *
     * @param bytes up to 1 MiB, not to be changed until it is done
     * @param done gets whether it was done
     */
    void writeLater(long address, byte[] bytes, Consumer<Boolean> done);

    /**
     * Calls {@code task} every {@code nanos} nanoseconds, for the first time after as many.
     *
     * @return ends it
     */
    Runnable every(long nanos, Runnable task);

    /**
     * Says that a whole frame was delivered, for those who record what a frame costs: what was read and written since the one
     * before belongs to it.
     *
     * @param number of the frame, as its driver would count
     */
    void delivered(long number);
}
