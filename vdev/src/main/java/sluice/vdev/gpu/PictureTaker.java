package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what the scan-outs show as PNG files, every N-th frame or when asked. The pixels are copied on the device's
 * loop; compressing and writing is done on a thread of its own, and a frame that comes while that is busy is left out.
 */
public final class PictureTaker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PictureTaker.class);
    private static final int CLOSE_SECONDS = 10;

    private final Path directory;
    private final int everyFrames;
    private final ExecutorService writer = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-pictures").daemon().factory());
    private final AtomicBoolean busy = new AtomicBoolean();
    private long frames;
    private int written;

    /**
     * @param directory where the files go; it exists
     * @param everyFrames write every so many frames; 0 for only when asked
     */
    public PictureTaker(Path directory, int everyFrames) {
        this.directory = directory;
        this.everyFrames = everyFrames;
    }

    void frameShown(Scanouts scanouts) {
        frames++;
        if (everyFrames == 0 || frames % everyFrames != 0 || !busy.compareAndSet(false, true)) return;
        List<Picture> pictures = scanouts.pictures();
        writer.execute(() -> {
            try {
                for (Picture picture : pictures) write(picture);
            } catch (IOException e) {
                LOG.error("a picture could not be written: {}", e.toString());
            } finally {
                busy.set(false);
            }
        });
    }

    /** Writes {@code pictures}; {@code done} gets each file on the writer's thread. */
    void take(List<Picture> pictures, Consumer<Path> done) {
        writer.execute(() -> {
            try {
                for (Picture picture : pictures) done.accept(write(picture));
            } catch (IOException e) {
                LOG.error("a picture could not be written: {}", e.toString());
            }
        });
    }

    private Path write(Picture picture) throws IOException {
        written++;
        Path file = directory.resolve("scanout%d-%06d.png".formatted(picture.scanout(), written));
        picture.writePng(file);
        return file;
    }

    /** Finishes what was begun. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) LOG.warn("a picture was not finished");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
