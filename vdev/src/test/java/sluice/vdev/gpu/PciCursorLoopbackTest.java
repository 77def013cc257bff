package sluice.vdev.gpu;

import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link CursorLoopbackTest} for a GPU that is a PCI function. */
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#overVfioUser")
class PciCursorLoopbackTest extends CursorLoopbackTest {
    private final GuestVariant guest;

    PciCursorLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
