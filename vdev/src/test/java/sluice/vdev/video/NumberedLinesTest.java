package sluice.vdev.video;

import java.nio.ByteBuffer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Numbered lines, as guest-tests' {@code numbered.h} verifies them. */
class NumberedLinesTest {
    @ParameterizedTest
    @CsvSource({ "0, 768, 576", "1, 640, 480", "8, 1440, 480", "4294967295, 720, 240", "4294967299, 12, 3" })
    void eachByteOfEachLineFollowsFromItsNumbers(long frame, int width, int height) {
        byte[] bytes = new byte[width * height + 1];
        new NumberedLines().fill(frame, width, height, bytes);
        for (int line = 0; line < height; line++) {
            ByteBuffer one = ByteBuffer.wrap(bytes, line * width, width).slice();
            assertThat(one.getInt()).isEqualTo(0x471fff10);
            assertThat(one.getInt()).isEqualTo((int) frame);
            assertThat(one.getInt()).isEqualTo(line);
            for (int i = 12; i < width; i++) {
                if (one.get(i) != (byte) (frame * 31 + line * 7L + i))
                    throw new AssertionError("line %d, byte %d: %d".formatted(line, i, one.get(i)));
            }
        }
        assertThat(bytes[width * height]).as("no more than asked for").isZero();
    }

    @Test
    void aLineMustHaveRoomForItsNumbers() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> new NumberedLines().fill(0, 11, 1, new byte[11]));
    }
}
