package sluice.vdev.media;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** Clips of each coding in units, with key pictures among them; those of MPEG-2 and HEVC have B-pictures. */
final class CodedClip {
    static final int WIDTH = 352;
    static final int HEIGHT = 288;
    static final int FRAMES = 30;
    static final PictureFormat FORMAT = new PictureFormat(PixelFormat.YU12, WIDTH, HEIGHT);
    /** Pictures from a key picture to the next. */
    static final int GROUP = 12;
    /** NAL unit type 35, an access unit delimiter (ITU-T H.265, table 7-1), in its header. */
    private static final byte[] DELIMITER = { 0, 0, 0, 1, 35 << 1, 1 };
    /** Which unit the second key picture of the clip of HEVC is. */
    static final int SECOND_KEY_OF_HEVC = 14;
    /** No library here encodes it: {@code testsrc2} by x265 of Debian 13's ffmpeg. */
    private static final String HEVC = "352x288.hevc";

    private CodedClip() {}

    /** The clip, encoded by the engine if that can. */
    static List<byte[]> units(CodecEngine engine, Coding coding) throws CodecException {
        if (coding == Coding.HEVC) return hevc();
        List<byte[]> units = new ArrayList<>();
        EncoderSettings settings = new EncoderSettings(coding, FORMAT, new Ratio(25, 1), new Ratio(4, 3), 1_000_000,
                1_000_000, 500_000, GROUP, coding == Coding.MPEG2 ? 2 : 0, 2);
        try (Arena arena = Arena.ofConfined(); Encoder encoder = engine.encoder(settings)) {
            Picture picture = Picture.allocate(FORMAT, arena);
            byte[] luma = new byte[WIDTH * HEIGHT];
            for (int i = 0; i < FRAMES; i++) {
                new TestPattern().fill(i, WIDTH, HEIGHT, luma);
                MemorySegment.copy(luma, 0, picture.planes().getFirst().bytes(), ValueLayout.JAVA_BYTE, 0, luma.length);
                encoder.encode(picture, i, false,
                        (bytes, time, key) -> units.add(bytes.toArray(ValueLayout.JAVA_BYTE)));
            }
            encoder.drain((bytes, time, key) -> units.add(bytes.toArray(ValueLayout.JAVA_BYTE)));
        }
        return units;
    }

    private static List<byte[]> hevc() {
        byte[] stream;
        try (InputStream file = Objects.requireNonNull(CodedClip.class.getResourceAsStream(HEVC))) {
            stream = file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<byte[]> units = new ArrayList<>();
        int begin = 0;
        for (int i = 1; i <= stream.length; i++) {
            boolean next = i + DELIMITER.length <= stream.length
                    && Arrays.equals(stream, i, i + DELIMITER.length, DELIMITER, 0, DELIMITER.length);
            if (!next && i < stream.length) continue;
            units.add(Arrays.copyOfRange(stream, begin, i));
            begin = i;
        }
        assertThat(units).hasSize(FRAMES);
        return units;
    }
}
