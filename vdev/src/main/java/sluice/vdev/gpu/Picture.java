package sluice.vdev.gpu;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

import javax.imageio.ImageIO;

/** What a scan-out showed at one moment. */
public final class Picture {
    private final int scanout;
    private final int width;
    private final int height;
    /** 0xXXRRGGBB, row by row. */
    private final int[] pixels;

    private Picture(int scanout, int width, int height, int[] pixels) {
        this.scanout = scanout;
        this.width = width;
        this.height = height;
        this.pixels = pixels;
    }

    static Picture of(int scanout, Scanouts.Shown on) {
        Rectangle part = on.shown();
        return new Picture(scanout, (int) part.width(), (int) part.height(), on.resource().image.copyOf(part));
    }

    /** Number of the scan-out. */
    public int scanout() {
        return scanout;
    }

    /** Writes it as PNG, at once or not at all. */
    public void writePng(Path file) throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, pixels, 0, width);
        Path partial = file.resolveSibling(file.getFileName() + ".part");
        ImageIO.setUseCache(false);
        // Given a file, ImageIO would print a stack trace of its own when it cannot be opened.
        try (OutputStream out = Files.newOutputStream(partial)) {
            if (!ImageIO.write(image, "png", out)) throw new IOException("this JDK cannot write PNG");
        }
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
