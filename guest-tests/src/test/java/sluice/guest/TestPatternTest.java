package sluice.guest;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class TestPatternTest {
    private static final int W = 1280;
    private static final int H = 800;

    /** Worked out by hand from the rules in picture.h, on 1280 x 800, frame 0: the bar covers columns 0 to 79. */
    @ParameterizedTest(name = "rule {0} at {1},{2}")
    @CsvSource({ "A white,  100, 10, ffffff", "A yellow, 160, 10, ffff00", "A cyan,   320, 10, 00ffff",
            "A green,  480, 10, 00ff00", "A magenta,640, 10, ff00ff", "A red,    800, 10, ff0000",
            "A blue,   960, 10, 0000ff",
            "A black, 1120, 10, 000000", "B start,  640, 200, 7f0080", "B end,   1278, 399, feff01",
            "C odd,    101, 400, ffffff", "C even,   100, 400, 000000", "D,        300, 700, 90e870",
            "E top,    600, 0, ff0000", "E bottom, 600, 799, 00ff00", "E right, 1279, 300, ffff00",
            "E left+G,  0, 300, ffff00",
            "F left+G,  7, 7, 000000", "F right,  1272, 7, 00ffff", "F low left+G, 0, 799, 00ff00",
            "F low right, 1279, 792, 000000", "G,         79, 10, 000000" })
    void rules(@SuppressWarnings("unused") String rule, int x, int y, String expected) {
        assertThat("%06x".formatted(TestPattern.rgb(x, y, W, H, 0))).isEqualTo(expected);
    }

    @Test
    void theFrameNumberIsInThePicture() {
        for (int frame : new int[]{ 0, 1, 120, 0xA5C3 }) {
            assertThat(TestPattern.frame(TestPattern.picture(W, H, frame))).isEqualTo(frame);
        }
    }

    @Test
    void theBarGoesRoundTheRightEdge() {
        int frame = W / 8 - 1; // the bar starts 8 columns before the edge
        assertThat(TestPattern.rgb(W - 8, 10, W, H, frame)).isEqualTo(0xFFFFFF);
        assertThat(TestPattern.rgb(71, 10, W, H, frame)).isZero();
        assertThat(TestPattern.rgb(72, 10, W, H, frame)).isEqualTo(0xFFFFFF);
    }

    @Test
    void noTwoRowsAreAlikeInTheNoise() {
        assertThat(IntStream.range(400, 600)
                .mapToObj(y -> Arrays.toString(
                        IntStream.range(640, 1279).map(x -> TestPattern.rgb(x, y, W, H, 0)).toArray()))
                .distinct().count()).isEqualTo(200);
    }

    @Test
    void sizesOutsideTheDefinitionAreRefused() {
        assertThatThrownBy(() -> TestPattern.picture(31, 100, 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("31 x 100");
    }

    @Test
    void differencesAreCountedAndTheFirstIsNamed() throws IOException {
        Picture expected = TestPattern.picture(64, 40, 0);
        int[] changed = expected.argb().clone();
        changed[5 * 64 + 3] ^= 1;
        changed[39 * 64 + 63] ^= 0x800000;
        assertThat(expected.difference(new Picture(64, 40, changed))).get()
                .isEqualTo(new Picture.Difference(2, 3, 5, expected.pixel(3, 5), expected.pixel(3, 5) ^ 1));
        assertThat(expected.difference(new Picture(64, 40, expected.argb().clone()))).isEmpty();
        assertThatThrownBy(() -> expected.difference(TestPattern.picture(40, 64, 0))).isInstanceOf(IOException.class)
                .hasMessage("the picture is 40 x 64, expected 64 x 40");
        assertThat(new Picture.Difference(1, 2, 3, -1, 0xFF000000).sentence())
                .isEqualTo("1 pixel differs, the first at 2,3: expected ffffffff, got ff000000");
    }

    @Test
    void aPngFileIsReadAsItWasWritten(@TempDir Path folder) throws IOException {
        Picture picture = TestPattern.picture(320, 200, 7);
        BufferedImage image = new BufferedImage(320, 200, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, 320, 200, picture.argb(), 0, 320);
        Path file = folder.resolve("p.png");
        ImageIO.write(image, "png", file.toFile());
        assertThat(picture.difference(Picture.read(file))).isEmpty();

        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, 100));
        assertThatThrownBy(() -> Picture.read(file)).isInstanceOf(IOException.class);
        Files.write(file, new byte[]{ 1, 2, 3 });
        assertThatThrownBy(() -> Picture.read(file)).isInstanceOf(IOException.class)
                .hasMessageContaining("no picture format");
    }
}
