package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

import sluice.dmacore.file.PrivateFile;

/**
 * What a scan-out showed at one moment: a copy outside of the heap, for a guest may show 256 MiB and more. Made by one thread
 * and written and closed by another.
 */
final class Picture implements AutoCloseable {
    private final int scanout;
    private final int width;
    private final int height;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment pixels;

    private long read;

    private Picture(int scanout, int width, int height) {
        this.scanout = scanout;
        this.width = width;
        this.height = height;
        pixels = arena.allocate(HostImage.bytes(width, height), PixelFormat.BYTES);
    }

    static Picture of(int scanout, Scanouts.Shown on) {
        Rectangle part = on.shown();
        Picture picture = new Picture(scanout, (int) part.width(), (int) part.height());
        picture.read = on.pixels().copyTo(part, picture.pixels, 0, part.width() * PixelFormat.BYTES);
        return picture;
    }

    /** Number of the scan-out. */
    int scanout() {
        return scanout;
    }

    /** Bytes that it took from memory that is not the host's copy. */
    long bytesRead() {
        return read;
    }

    /** Bytes of the copy. */
    long bytes() {
        return pixels.byteSize();
    }

    /** Writes it as PNG, at once or not at all, for the owner of the process only. */
    void writePng(Path file) throws IOException {
        PrivateFile.write(file, out -> PngWriter.write(out, width, height, pixels));
    }

    @Override
    public void close() {
        arena.close();
    }
}
