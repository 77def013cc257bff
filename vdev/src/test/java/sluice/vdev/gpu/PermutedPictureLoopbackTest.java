package sluice.vdev.gpu;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link PictureLoopbackTest} for every kind of guest. */
@Tag("long")
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#product")
class PermutedPictureLoopbackTest extends PictureLoopbackTest {
    private final GuestVariant guest;

    PermutedPictureLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
