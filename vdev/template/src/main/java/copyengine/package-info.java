/**
 * A copy engine: a PCI function that copies memory of the guest. It is the example of a device that is not Sluice's own.
 *
 * <p>Read {@link copyengine.Registers} first: it is what a driver sees. {@link copyengine.CopyEngine} is the function,
 * {@link copyengine.ScatterList} and {@link copyengine.CopyJob} are what it does, {@link copyengine.CopyEngineProvider} is how
 * {@code ./sluice serve} finds it. Nothing here knows of sockets, QEMU or threads: all is called on the function's own loop.
 */
@NullMarked
package copyengine;

import org.jspecify.annotations.NullMarked;
