package sluice.vdev.vhostuser;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Where a ring goes on. */
class VringStateTest {
    private final VringState ring = new VringState();

    /** Both wrap counters of a packed ring are 1 at first (virtio 1.3 §2.8.1). */
    @Test
    void aRingOfWhichNothingWasSaidBeginsAtItsBeginning() {
        assertThat(ring.position(false)).isZero();
        assertThat(ring.position(true)).isEqualTo(0x8000_8000);
    }

    /** Also when the beginning was said: 0 is a place of a packed ring, with both wrap counters 0. */
    @ParameterizedTest
    @ValueSource(ints = { 0, 5, 0x8003_8001 })
    void whatWasSaidCounts(int position) {
        ring.setPosition(position);
        assertThat(ring.position(false)).isEqualTo(position);
        assertThat(ring.position(true)).isEqualTo(position);
    }

    @Test
    void aResetBeginsAnew() {
        ring.setPosition(5);
        ring.started = true;
        ring.stopped = true;
        ring.reset();
        assertThat(ring.position(false)).isZero();
        assertThat(ring.position(true)).isEqualTo(0x8000_8000);
        assertThat(ring.started || ring.stopped).isFalse();
    }
}
