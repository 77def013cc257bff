package sluice.guest.demo;

import java.util.Arrays;

import org.junit.jupiter.api.Test;

import sluice.guest.Picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class VideoScreenTest {
    private static final int BLACK = 0xFF00_0000;

    private static byte[] frame(int y, int u, int v) {
        byte[] frame = new byte[6];
        Arrays.fill(frame, 0, 4, (byte) y);
        frame[4] = (byte) u;
        frame[5] = (byte) v;
        return frame;
    }

    /** The ends of the range, a color, and values beyond the range (ITU-R BT.601). */
    @Test
    void colorsAreThoseOfTheStandard() {
        assertThat(VideoScreen.picture(frame(16, 128, 128), 2, 2, 2, 2).pixel(0, 0)).isEqualTo(BLACK);
        assertThat(VideoScreen.picture(frame(235, 128, 128), 2, 2, 2, 2).pixel(1, 1)).isEqualTo(0xFFFF_FFFF);
        assertThat(VideoScreen.picture(frame(81, 90, 240), 2, 2, 2, 2).pixel(1, 0)).isEqualTo(0xFFFF_0000);
        assertThat(VideoScreen.picture(frame(255, 0, 255), 2, 2, 2, 2).pixel(0, 1)).isEqualTo(0xFFFF_E114);
    }

    @Test
    void aFrameIsEnlargedAndInTheMiddle() {
        byte[] frame = frame(16, 128, 128);
        frame[1] = (byte) 235;
        Picture screen = VideoScreen.picture(frame, 2, 2, 8, 5);
        for (int y = 0; y < 5; y++) {
            for (int x = 0; x < 8; x++)
                assertThat(screen.pixel(x, y)).as("%d, %d", x, y)
                        .isEqualTo(x >= 4 && x < 6 && y < 2 ? 0xFFFF_FFFF : BLACK);
        }
    }

    @Test
    void bytesThatAreNoFrameAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> VideoScreen.picture(new byte[5], 2, 2, 8, 8))
                .withMessage("5 bytes are no frame of 2 x 2");
    }
}
