package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.file.FileFailure;

/**
 * Writes the scan-outs as PNG files, every N-th frame or on request. The pixels are copied on the device's loop, and
 * compressed and written on a separate thread. While that is busy, further frames are skipped silently, and requests
 * with a log line. Pictures that would exceed the memory limit are skipped, too, except a single one.
 */
public final class PictureTaker implements AutoCloseable {
    /** Limit of all copies to be written, in bytes: the default limit of a guest's images. */
    static final long MOST_BYTES = GpuOptions.DEFAULT_MEMORY_LIMIT;
    private static final Logger LOG = LoggerFactory.getLogger(PictureTaker.class);
    private static final int CLOSE_SECONDS = 10;

    private final Path directory;
    private final int everyFrames;
    private final long mostBytes;
    private final ExecutorService writer = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-pictures").daemon().factory());
    // Set on the device's loop only, cleared on the writer's thread.
    private final AtomicBoolean writesFrame = new AtomicBoolean();
    private final AtomicBoolean writesRequest = new AtomicBoolean();
    private final AtomicLong bytesHeld = new AtomicLong();
    private LongConsumer observed = bytes -> {};
    private long frames;
    // On the writer's thread.
    private int written;
    private boolean failed;

    /**
     * @param directory existing folder of the files
     * @param everyFrames write every N-th frame; 0 for on request only
     */
    public PictureTaker(Path directory, int everyFrames) {
        this(directory, everyFrames, MOST_BYTES);
    }

    /** @param mostBytes limit of copies in bytes; a single picture may exceed it */
    PictureTaker(Path directory, int everyFrames, long mostBytes) {
        this.directory = directory;
        this.everyFrames = everyFrames;
        this.mostBytes = mostBytes;
    }

    /** @param count receives the bytes read from memory other than the host's copy */
    void whenRead(LongConsumer count) {
        observed = count;
    }

    void frameShown(Scanouts scanouts) {
        frames++;
        if (everyFrames == 0 || frames % everyFrames != 0 || writesFrame.get()) return;
        write(copies(scanouts), writesFrame, file -> {});
    }

    /**
     * Writes the scan-outs; {@code done} receives the files on the writer's thread, after which the next request is
     * accepted.
     */
    void take(Scanouts scanouts, Consumer<Path> done) {
        if (writesRequest.get()) {
            LOG.warn("skipped pictures: the previous ones are still being written");
            return;
        }
        write(copies(scanouts), writesRequest, done);
    }

    private List<Picture> copies(Scanouts scanouts) {
        List<Picture> copies = new ArrayList<>();
        int leftOut = 0;
        for (int id = 0; id < Scanouts.MAX; id++) {
            Scanouts.Shown on = scanouts.get(id);
            if (on == null) continue;
            long held = bytesHeld.get();
            long bytes = HostImage.bytes(on.shown().width(), on.shown().height());
            if (held > 0 && bytes > mostBytes - held) {
                leftOut++;
                continue;
            }
            try {
                Picture picture = Picture.of(id, on);
                copies.add(picture);
                bytesHeld.addAndGet(bytes);
                observed.accept(picture.bytesRead());
            } catch (OutOfMemoryError e) {
                // The frame is still shown.
                leftOut++;
            }
        }
        if (leftOut > 0) {
            LOG.warn(
                    "skipped the pictures of {} scan-outs: pictures that wait to be written may use {} bytes, and host memory must suffice",
                    leftOut, mostBytes);
        }
        return copies;
    }

    private void write(List<Picture> pictures, AtomicBoolean underWay, Consumer<Path> done) {
        if (pictures.isEmpty()) return;
        underWay.set(true);
        writer.execute(() -> {
            List<Path> files = new ArrayList<>();
            try {
                for (Picture picture : pictures) files.add(write(picture));
                failed = false;
            } catch (IOException e) {
                if (!failed)
                    LOG.error("writing a picture failed, which is not told again before one succeeds: {}",
                            FileFailure.reason(e));
                failed = true;
            } finally {
                for (Picture picture : pictures) letGo(picture);
                underWay.set(false);
            }
            files.forEach(done);
        });
    }

    private void letGo(Picture picture) {
        bytesHeld.addAndGet(-picture.bytes());
        picture.close();
    }

    private Path write(Picture picture) throws IOException {
        written++;
        Path file = directory.resolve("scanout%d-%06d.png".formatted(picture.scanout(), written));
        picture.writePng(file);
        return file;
    }

    /** Finishes pictures in progress. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS))
                LOG.warn("a picture was not written completely");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
