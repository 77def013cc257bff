package sluice.vdev.gpu;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/** PNG files, as the JDK's own reader understands them. */
class PngWriterTest {
    private static final long SEED = 20_261_121;

    private static byte[] png(int[] pixels, int width) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PngWriter.write(out, width, pixels.length / width, MemorySegment.ofArray(pixels));
        return out.toByteArray();
    }

    private static void assertReads(byte[] png, int[] pixels, int width) throws IOException {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        assertThat(image.getWidth()).isEqualTo(width);
        assertThat(image.getHeight()).isEqualTo(pixels.length / width);
        assertThat(image.getColorModel().getPixelSize()).as("bits a pixel, none of which is alpha").isEqualTo(24);
        int[] read = image.getRGB(0, 0, width, pixels.length / width, null, 0, width);
        for (int i = 0; i < pixels.length; i++) read[i] ^= pixels[i];
        // The highest byte is no colour's.
        assertThat(Arrays.stream(read).filter(bits -> bits << 8 != 0)).as("differences, seed %d", SEED).isEmpty();
    }

    /** Noise does not become smaller, so the larger ones are of several chunks. */
    @ParameterizedTest
    @CsvSource({ "1, 1", "1, 300", "300, 1", "2, 3", "123, 77", "640, 480" })
    void noiseComesBackAsItWas(int width, int height) throws IOException {
        int[] pixels = new Random(SEED).ints((long) width * height).toArray();
        assertReads(png(pixels, width), pixels, width);
    }

    @Test
    void whatRepeatsItselfIsSmall() throws IOException {
        int[] pixels = new int[640 * 480];
        for (int i = 0; i < pixels.length; i++) pixels[i] = i % 640 / 8 * 0x30201;
        byte[] png = png(pixels, 640);
        assertThat(png).hasSizeLessThan(8192);
        assertReads(png, pixels, 640);
    }
}
