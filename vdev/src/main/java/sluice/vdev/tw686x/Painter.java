package sluice.vdev.tw686x;

import java.lang.foreign.MemorySegment;

import sluice.vdev.video.FrameFile;
import sluice.vdev.video.FrameSource;
import sluice.vdev.video.NumberedLines;
import sluice.vdev.video.TestPattern;

/** Builds pictures in their memory layout. A result is valid until the next call. */
final class Painter {
    private final FrameSource source;
    private byte[] luma = new byte[0];
    private byte[] lines = new byte[0];
    private byte[] fields = new byte[0];

    Painter(FrameSource source) {
        this.source = source;
    }

    /**
     * A picture, line after line.
     *
     * @param frame its number
     * @param lineBytes of a line, even and 16 at least
     * @param height lines, 1 at least
     */
    MemorySegment lines(long frame, PixelFormat format, int lineBytes, int height) {
        paint(frame, format, lineBytes, height);
        return MemorySegment.ofArray(lines);
    }

    /** The same, the even lines before the odd ones. */
    MemorySegment fields(long frame, PixelFormat format, int lineBytes, int height) {
        paint(frame, format, lineBytes, height);
        if (fields.length < lines.length) fields = new byte[lines.length];
        int even = (height + 1) / 2;
        for (int line = 0; line < height; line++) {
            int place = line / 2 + (line % 2 == 0 ? 0 : even);
            System.arraycopy(lines, line * lineBytes, fields, place * lineBytes, lineBytes);
        }
        return MemorySegment.ofArray(fields);
    }

    private void paint(long frame, PixelFormat format, int lineBytes, int height) {
        if (lines.length < lineBytes * height) lines = new byte[lineBytes * height];
        switch (source) {
            // Numbered lines are written unchanged, for any pixel format.
            case NumberedLines numbered -> numbered.fill(frame, lineBytes, height, lines);
            case TestPattern pattern -> grey(pattern, frame, format, lineBytes, height);
            case FrameFile file -> grey(file, frame, format, lineBytes, height);
        }
    }

    private void grey(FrameSource pictures, long frame, PixelFormat format, int lineBytes, int height) {
        int width = lineBytes / PixelFormat.BYTES;
        if (luma.length < width * height) luma = new byte[width * height];
        pictures.fill(frame, width, height, luma);
        for (int i = 0; i < width * height; i++) format.put(luma[i] & 0xff, lines, i * PixelFormat.BYTES);
    }
}
