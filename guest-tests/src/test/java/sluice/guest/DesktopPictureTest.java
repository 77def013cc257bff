package sluice.guest;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class DesktopPictureTest {
    /** Worked out by hand from the rules in window.c and picture.h, on 1280 x 800, frame 10: the lower bar begins at 80. */
    @ParameterizedTest(name = "{0} at {1},{2}")
    @CsvSource({ "below,            300, 10, ffffff00", "the bar below,     100, 10, ff000000",
            "the layer's edge,  690, 32, ffff0000", "the layer,         690, 50, ffffff00",
            "clear,             740, 90, ffff00ff", "half black,        740, 140, ff7f007f",
            "just above,        740, 31, ffff00ff", "the pointer,       320, 420, ffff8000",
            "its last pixel,    343, 443, ffff8000" })
    void layers(@SuppressWarnings("unused") String rule, int x, int y, String expected) {
        Picture picture = DesktopPicture.picture(1280, 800, 10, new DesktopPicture.Pointer(320, 420));
        assertThat("%08x".formatted(picture.pixel(x, y))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({ "1279, 799", "1260, 790" })
    void aPointerAtTheEdgeIsCut(int x, int y) {
        Picture picture = DesktopPicture.picture(1280, 800, 1, new DesktopPicture.Pointer(x, y));
        assertThat(picture.pixel(1279, 799)).isEqualTo(0xFFFF8000);
        assertThat(picture.pixel(x - 1, 799)).isNotEqualTo(0xFFFF8000);
    }
}
