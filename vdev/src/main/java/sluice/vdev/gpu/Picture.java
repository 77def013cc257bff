package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

import sluice.dmacore.file.PrivateFile;

/**
 * A snapshot of a scan-out: a copy outside the heap, because it may exceed 256 MiB. Created by one thread, written and
 * closed by another.
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

    /** Bytes read from memory other than the host's copy. */
    long bytesRead() {
        return read;
    }

    /** Bytes of the copy. */
    long bytes() {
        return pixels.byteSize();
    }

    /** Writes it atomically as PNG, accessible to the owner only. */
    void writePng(Path file) throws IOException {
        PrivateFile.write(file, out -> PngWriter.write(out, width, height, pixels));
    }

    @Override
    public void close() {
        arena.close();
    }
}
