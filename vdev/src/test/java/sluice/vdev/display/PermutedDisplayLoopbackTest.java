package sluice.vdev.display;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link DisplayLoopbackTest} for every kind of guest. */
@Tag("long")
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#product")
class PermutedDisplayLoopbackTest extends DisplayLoopbackTest {
    private final GuestVariant guest;

    PermutedDisplayLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
