package sluice.vdev.video;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** Pictures that come from files. */
class FrameFileTest {
    @TempDir
    private Path folder;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("pictures"), bytes);
    }

    /** Frame n has luma 10 * n + line; chroma is 200. */
    private static byte[] y4m(String header, int width, int height, int chroma, int frames) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write((header + "\n").getBytes(StandardCharsets.ISO_8859_1));
        for (int frame = 0; frame < frames; frame++) {
            out.write("FRAME\n".getBytes(StandardCharsets.ISO_8859_1));
            for (int i = 0; i < width * height; i++) out.write(10 * frame + i / width);
            for (int i = 0; i < chroma; i++) out.write(200);
        }
        return out.toByteArray();
    }

    @ParameterizedTest
    @CsvSource({ "C420jpeg, 8", "C422, 12", "C444, 24", "Cmono, 0", "F25:1, 8" })
    void lumaIsTakenAndTheRestIsBlack(String colour, int chroma) throws Exception {
        Path path = file(y4m("YUV4MPEG2 W4 H3 " + colour, 4, 3, chroma, 3));
        try (FrameFile source = FrameFile.open(path)) {
            byte[] target = new byte[6 * 4];
            for (int frame = 0; frame < 7; frame++) {
                source.fill(frame, 6, 4, target);
                int shown = 10 * (frame % 3);
                for (int i = 0; i < target.length; i++)
                    assertThat(target[i]).as("frame %d, pixel %d", frame, i)
                            .isEqualTo((byte) (i % 6 < 4 && i / 6 < 3 ? shown + i / 6 : 0));
            }
            byte[] small = new byte[2 * 2];
            source.fill(1, 2, 2, small);
            assertThat(small).containsExactly(10, 10, 11, 11);
        }
    }

    @Test
    void aRawFileHasPicturesOfTheGrabbersSize() throws Exception {
        byte[] bytes = new byte[2 * 768 * 576 + 5];
        bytes[768 * 576] = 7;
        try (FrameFile source = FrameFile.open(file(bytes))) {
            byte[] target = new byte[768 * 576];
            source.fill(3, 768, 576, target);
            assertThat(target[0]).isEqualTo((byte) 7);
            source.fill(2, 768, 576, target);
            assertThat(target[0]).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "x", "YUV4MPEG2 W4 H3", "YUV4MPEG2 W4\nFRAME\n", "YUV4MPEG2 W4 H0\nFRAME\n",
            "YUV4MPEG2 W99999 H2\nFRAME\n", "YUV4MPEG2 W2 H2 C420p10\nFRAME\n................" })
    void whatIsNoPictureIsRefused(String content) throws Exception {
        Path path = file(content.getBytes(StandardCharsets.ISO_8859_1));
        assertThatIOException().isThrownBy(() -> FrameFile.open(path)).withMessageMatching(".*\\w.*");
    }
}
