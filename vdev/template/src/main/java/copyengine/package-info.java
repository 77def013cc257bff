/**
 * A copy engine: a PCI function that copies guest memory. An example of a plug-in device.
 *
 * <p>Read {@link copyengine.Registers} first: the programming interface. {@link copyengine.CopyEngine} is the function,
 * {@link copyengine.ScatterList} and {@link copyengine.CopyJob} do its work, and {@link copyengine.CopyEngineProvider}
 * lets {@code ./sluice serve} find it. No sockets, QEMU or threads: all calls arrive on the function's own loop.
 */
@NullMarked
package copyengine;

import org.jspecify.annotations.NullMarked;
