package sluice.dmacore.device;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Limits on top of a device's own. */
@Tag("S16")
class DmaConstraintsTest {
    private static final DmaConstraints ALL = new DmaConstraints(0xffff_ffffL, 65536, 16, 0xf_ffff, true);

    @Test
    void theNarrowerOfTwoLimitsHolds() {
        DeviceDmaParams own = DeviceDmaParams.throughIommu().withSegments(4096, 32).withBoundaryMask(0xffff)
                .withMinAlignMask(0xff);
        assertThat(ALL.narrow(own)).isEqualTo(new DeviceDmaParams(4096, 16, 0xffff, 0xff, true, 0xffff_ffffL, 4096,
                true, false));
        assertThat(DmaConstraints.NONE.narrow(own)).isEqualTo(own);
        assertThat(DmaConstraints.NONE.narrow(DeviceDmaParams.scatterGather()))
                .isEqualTo(DeviceDmaParams.scatterGather());
    }

    @Test
    void itReadsAsItIsWritten() {
        assertThat(ALL).hasToString(
                "dma-mask=0xffffffff, max-segment-size=65536, max-segments=16, boundary=0xfffff, contiguous");
        assertThat(DmaConstraints.NONE).hasToString("");
        assertThat(DmaConstraints.NONE.isNone()).isTrue();
        assertThat(new DmaConstraints(0xffff, Long.MAX_VALUE, Integer.MAX_VALUE, -1, false).limitsLists()).isFalse();
        assertThat(ALL.limitsLists()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({ "0xffff0000, 0x10000, true", "0xffff0000, 0x10001, false", "0x100000000, 1, false",
            "0, 0x100000000, true", "-1, 1, false", "-1, 2, false", "0, -1, false" })
    void aMaskReachesUpToItself(String address, String length, boolean reached) {
        assertThat(ALL.reaches(Long.decode(address), Long.decode(length))).isEqualTo(reached);
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new DmaConstraints(0xffe, 4096, 1, -1, false));
        assertThatIllegalArgumentException().isThrownBy(() -> new DmaConstraints(0x7ff, 4096, 1, -1, false));
        assertThatIllegalArgumentException().isThrownBy(() -> new DmaConstraints(-1, 4095, 1, -1, false));
        assertThatIllegalArgumentException().isThrownBy(() -> new DmaConstraints(-1, 4096, 0, -1, false));
        assertThatIllegalArgumentException().isThrownBy(() -> new DmaConstraints(-1, 4096, 1, 0, false));
    }
}
