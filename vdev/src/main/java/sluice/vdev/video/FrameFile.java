package sluice.vdev.video;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Pictures of a file: the luma of YUV4MPEG2, or raw grey pictures of 768x576. A larger picture is cropped, a smaller
 * one is padded with black at its right and bottom.
 */
public final class FrameFile implements FrameSource, Closeable {
    /** Size of raw pictures: that of the grabber at 50 Hz. */
    public static final int RAW_WIDTH = 768;
    public static final int RAW_HEIGHT = 576;

    private static final String MAGIC = "YUV4MPEG2 ";
    private static final int LONGEST_HEADER = 256;
    private static final int FRAME_HEADER = "FRAME\n".length();
    private static final int MOST_PIXELS = 1 << 14;

    private final FileChannel channel;
    private final int width;
    private final int height;
    /** Offset of the first picture's first pixel, and stride between pictures in bytes. */
    private final long first;
    private final long distance;
    private final long frames;

    private FrameFile(FileChannel channel, int width, int height, long first, long distance, long lumaEnd)
            throws IOException {
        this.channel = channel;
        this.width = width;
        this.height = height;
        this.first = first;
        this.distance = distance;
        long left = channel.size() - first - lumaEnd;
        frames = left < 0 ? 0 : left / distance + 1;
        if (frames == 0)
            throw new IOException("the file is shorter than one picture of %dx%d".formatted(width, height));
    }

    /** Whether the file at {@code path} has a YUV4MPEG2 header. */
    public static boolean isPictures(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            ByteBuffer start = ByteBuffer.allocate(MAGIC.length());
            return channel.read(start, 0) == MAGIC.length()
                    && new String(start.array(), StandardCharsets.ISO_8859_1).equals(MAGIC);
        }
    }

    /**
     * Opens a file.
     *
     * @throws IOException if it cannot be read, has no picture, or is YUV4MPEG2 without 8 bits per sample
     */
    public static FrameFile open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            return of(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static FrameFile of(FileChannel channel) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(LONGEST_HEADER);
        int count = channel.read(start, 0);
        String text = new String(start.array(), 0, Math.max(0, count), StandardCharsets.ISO_8859_1);
        if (!text.startsWith(MAGIC)) {
            long bytes = (long) RAW_WIDTH * RAW_HEIGHT;
            return new FrameFile(channel, RAW_WIDTH, RAW_HEIGHT, 0, bytes, bytes);
        }
        int end = text.indexOf('\n');
        if (end < 0) throw new IOException("the YUV4MPEG2 header is longer than " + LONGEST_HEADER + " bytes");
        int width = 0;
        int height = 0;
        String colour = "420";
        for (String word : text.substring(MAGIC.length(), end).split(" ", -1)) {
            if (word.startsWith("W")) width = size(word);
            if (word.startsWith("H")) height = size(word);
            if (word.startsWith("C")) colour = word.substring(1);
        }
        if (width == 0 || height == 0) throw new IOException("the YUV4MPEG2 header lacks a width or a height");
        long luma = (long) width * height;
        long distance = FRAME_HEADER + luma + chroma(colour, width, height);
        return new FrameFile(channel, width, height, end + 1L + FRAME_HEADER, distance, luma);
    }

    private static int size(String word) throws IOException {
        if (!word.matches("[WH][1-9][0-9]{0,4}") || Integer.parseInt(word.substring(1)) > MOST_PIXELS)
            throw new IOException(
                    "the YUV4MPEG2 header says " + word + "; 1 to " + MOST_PIXELS + " pixels are allowed");
        return Integer.parseInt(word.substring(1));
    }

    private static long chroma(String colour, int width, int height) throws IOException {
        long halfWidth = (width + 1L) / 2;
        long halfHeight = (height + 1L) / 2;
        return switch (colour) {
            case "420", "420jpeg", "420mpeg2", "420paldv" -> 2 * halfWidth * halfHeight;
            case "422" -> 2 * halfWidth * height;
            case "444" -> 2L * width * height;
            case "mono" -> 0;
            default -> throw new IOException(
                    "unsupported YUV4MPEG2 format " + colour + "; supported are 420, 422, 444 and mono with 8 bits");
        };
    }

    @Override
    public void fill(long frame, int targetWidth, int targetHeight, byte[] target) {
        Arrays.fill(target, 0, targetWidth * targetHeight, (byte) 0);
        long at = first + frame % frames * distance;
        int columns = Math.min(width, targetWidth);
        try {
            for (int y = 0; y < Math.min(height, targetHeight); y++) {
                ByteBuffer line = ByteBuffer.wrap(target, y * targetWidth, columns);
                long position = at + (long) y * width;
                while (line.hasRemaining()) {
                    int count = channel.read(line, position);
                    if (count < 0) throw new EOFException("the file was truncated");
                    position += count;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
