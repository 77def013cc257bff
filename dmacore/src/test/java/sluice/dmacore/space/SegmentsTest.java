package sluice.dmacore.space;

import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Positions in a list of segments. */
class SegmentsTest {
    private static Segments of(long... lengths) {
        long[] addresses = new long[lengths.length];
        long[] starts = new long[lengths.length + 1];
        for (int i = 0; i < lengths.length; i++) {
            addresses[i] = (i + 1L) << 20;
            starts[i + 1] = starts[i] + lengths[i];
        }
        return new Segments(addresses, starts, List.of(), new int[0]);
    }

    @Test
    void eachByteIsInOneSegment() {
        long[] lengths = { 1, 4096, 7, 1, 1, 100 };
        Segments segments = of(lengths);
        assertThat(segments.count()).isEqualTo(6);
        assertThat(segments.bytes()).isEqualTo(4206);
        long position = 0;
        for (int segment = 0; segment < lengths.length; segment++) {
            assertThat(segments.start(segment)).isEqualTo(position);
            assertThat(segments.length(segment)).isEqualTo(lengths[segment]);
            assertThat(segments.address(segment)).isEqualTo((segment + 1L) << 20);
            for (long i = 0; i < lengths[segment]; i++) assertThat(segments.at(position++)).isEqualTo(segment);
        }
        assertThatThrownBy(() -> segments.at(4206)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> segments.at(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void oneAndNone() {
        Segments one = of(10);
        assertThat(one.at(9)).isZero();
        assertThatThrownBy(() -> one.at(10)).isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("position 10 of 10 bytes");
        Segments none = of();
        assertThat(none.bytes()).isZero();
        assertThatThrownBy(() -> none.at(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
