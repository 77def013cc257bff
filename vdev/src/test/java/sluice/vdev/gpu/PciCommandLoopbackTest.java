package sluice.vdev.gpu;

import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link CommandLoopbackTest} for a GPU that is a PCI function. */
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#overVfioUser")
class PciCommandLoopbackTest extends CommandLoopbackTest {
    // One object serves all tests, and such a class takes no parameters in its constructor.
    @Parameter
    private GuestVariant guest = GuestVariant.USUAL;

    @Override
    GuestVariant guest() {
        return guest;
    }
}
