package sluice.vdev.device;

import java.util.List;

import sluice.iommu.AddressRange;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigSpace;

/**
 * A PCI function. All calls are made on its own loop.
 *
 * <p>{@link ConfigSpace} implements configuration space, and memory BARs need no code: a function implements its
 * registers.
 */
public interface PciFunction {
    /** The same object each time. */
    ConfigSpace config();

    /** The same BARs each time, at most one of an index. */
    List<Bar> bars();

    /**
     * A front-end has connected. Called before any access; the context is valid at least until the next {@link #reset}.
     */
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
     * The driver is about to read these bytes of configuration space: a function with state in it updates {@link
     * #config} now.
     */
    default void configRead(int offset, int length) {}

    /** The driver has written these bytes of configuration space, as far as they are writable. */
    default void configWritten(int offset, int length) {}

    /**
     * A range of bus addresses was unmapped: the function must release everything that {@link FunctionContext#memory}
     * resolved in it before this returns. Other mappings are unchanged.
     */
    default void unmapped(AddressRange range) {}

    /** The front-end has disconnected; called after {@link #reset}. The context must not be used any more. */
    default void disconnected() {}

    /**
     * Resets the function to power-on: all work stops, and no interrupt is asserted. Also called when a front-end has
     * disconnected.
     */
    void reset();
}
