package sluice.vdev.gpu;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.GuestVariant;

/** {@link CursorLoopbackTest} for every kind of guest. */
@Tag("long")
@ParameterizedClass
@MethodSource("sluice.vdev.loopback.GuestVariant#product")
class PermutedCursorLoopbackTest extends CursorLoopbackTest {
    private final GuestVariant guest;

    PermutedCursorLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    @Override
    GuestVariant guest() {
        return guest;
    }
}
