package sluice.vdev.serve;

import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.device.DmaConstraints;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Constraints on the command line. */
class ConstraintsTest {
    private static DmaConstraints of(String name, String value) throws WrongOptionException {
        return Constraints.of(new DeviceOptions(Map.of(name, List.of(value))));
    }

    @ParameterizedTest
    @CsvSource({ "dma-mask, 32, dma-mask=0xffffffff", "dma-mask, 12, dma-mask=0xfff", "dma-mask, 64, ''",
            "dma-mask, 0xffffff, dma-mask=0xffffff", "dma-mask, 4095, dma-mask=0xfff",
            "dma-mask, 0xffffffffffffffff, ''", "max-segment-size, 4096, max-segment-size=4096",
            "max-segment-size, 0xffffffff, max-segment-size=4294967295", "max-segments, 1, max-segments=1",
            "boundary, 0xffff, boundary=0xffff", "contiguous, '', contiguous" })
    void eachIsTaken(String name, String value, String constraints) throws WrongOptionException {
        assertThat(of(name, value)).hasToString(constraints);
    }

    @Test
    void allAtOnce() throws WrongOptionException {
        assertThat(Constraints.of(new DeviceOptions(Map.of("dma-mask", List.of("32"), "max-segment-size",
                List.of("65536"), "max-segments", List.of("16"), "boundary", List.of("0xfffff"), "contiguous",
                List.of(""))))).isEqualTo(new DmaConstraints(0xffff_ffffL, 65536, 16, 0xf_ffff, true));
        assertThat(Constraints.of(new DeviceOptions(Map.of()))).isEqualTo(DmaConstraints.NONE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "dma-mask | 11 | give the number of address bits, 12 to 64, or a mask of the form 2^n-1, from 0xfff to",
            "dma-mask | 65 | 12 to 64", "dma-mask | 0xfffffffe | 2^n-1", "dma-mask | -1 | 12 to 64",
            "dma-mask | all | 12 to 64", "max-segment-size | 4095 | give a number from 4096 to 4294967295",
            "max-segment-size | 0x100000000 | 4096 to 4294967295",
            "max-segments | 0 | give a number from 1 to 2147483647", "max-segments | none | 1 to 2147483647",
            "boundary | 0x7ff | give a mask of the form 2^n-1, from 0xfff to", "boundary | 65536 | 2^n-1" })
    void whatMakesNoSenseIsRefusedWithItsRange(String name, String value, String sentence) {
        assertThatThrownBy(() -> of(name, value)).isInstanceOf(WrongOptionException.class)
                .hasMessageStartingWith(name + "=" + value + ": ").hasMessageContaining(sentence);
    }
}
