package sluice.vdev.device;

import java.util.List;

import sluice.iommu.AddressRange;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigSpace;

/**
 * A PCI function. It is called on its own loop, and never by two threads at a time.
 *
 * <p>Configuration space is {@link ConfigSpace}'s work, and BARs that are plain memory need no work at all: what remains is
 * what registers do.
 */
public interface PciFunction {
    /** The same object each time. */
    ConfigSpace config();

    /** The same BARs each time, at most one of an index. */
    List<Bar> bars();

    /** A front-end has connected. Called before any access; the context is good until the next {@link #reset} at least. */
    void start(FunctionContext context);

    /**
     * Reads a register of a BAR that is not {@linkplain Bar#memory memory}.
     *
     * @param offset in the BAR, a multiple of {@code size}
     * @param size 1, 2, 4 or 8 bytes, not more than {@link Bar#widest}
     * @return the value; bits beyond {@code size} are ignored
     */
    long read(int bar, long offset, int size);

    /** Writes a register; the parameters are those of {@link #read}. */
    void write(int bar, long offset, int size, long value);

    /**
     * The driver is about to read these bytes of configuration space: a function that shows something of itself there writes
     * it to {@link #config} now.
     */
    default void configRead(int offset, int length) {}

    /** The driver has written these bytes of configuration space, as far as they are its own. */
    default void configWritten(int offset, int length) {}

    /**
     * A range of bus addresses is not the function's any more, as is everything that {@link FunctionContext#memory} led to
     * there: it lets go of it before this returns. Mappings that were not touched stay as they are.
     */
    default void unmapped(AddressRange range) {}

    /** The front-end has gone; called after {@link #reset}. The context is not to be used any more. */
    default void disconnected() {}

    /** Puts the function back to power-on: nothing of it runs, and no interrupt is asserted. Also when a front-end has gone. */
    void reset();
}
