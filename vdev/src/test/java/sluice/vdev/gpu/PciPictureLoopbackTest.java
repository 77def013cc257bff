package sluice.vdev.gpu;

import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link PictureLoopbackTest} for a GPU that is a PCI function. */
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#overVfioUser")
class PciPictureLoopbackTest extends PictureLoopbackTest {
    private final GuestVariant guest;

    PciPictureLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
