package sluice.vdev.display;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link BackPressureLoopbackTest} for every kind of guest. */
@Tag("long")
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#product")
class PermutedBackPressureLoopbackTest extends BackPressureLoopbackTest {
    private final GuestVariant guest;

    PermutedBackPressureLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
