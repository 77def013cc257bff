package sluice.vdev.host;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.io.Disposal;

/**
 * Maps files for a caller that must not block. A file that is already mapped, the usual case, is returned at once; any
 * other is mapped on a separate thread, because mmap and the mapping lock may block. The thread exists only while
 * needed.
 */
public final class FileMapper {
    private static final int IDLE_SECONDS = 1;

    /** A mapping that exists or is in progress. The caller releases it. */
    @FunctionalInterface
    public interface Pending {
        /** Waits for the mapping, if it is in progress. */
        FileMapping get() throws IOException;
    }

    private final FileMappings files;
    private final Disposal disposal;
    private final ThreadPoolExecutor thread = new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), Thread.ofPlatform().name("sluice-map").daemon().factory());

    public FileMapper(FileMappings files, Disposal disposal) {
        this.files = files;
        this.disposal = disposal;
        thread.allowCoreThreadTimeOut(true);
    }

    /**
     * Maps the file of a descriptor. The descriptor is closed as soon as possible, even if no caller waits for the
     * mapping.
     */
    public Pending map(Fd fd) {
        FileMapping known = null;
        boolean looked = false;
        try {
            known = files.known(fd);
            looked = true;
        } catch (IOException e) {
            return () -> {
                throw e;
            };
        } finally {
            if (!looked) disposal.close(fd);
        }
        if (known == null) return mapLater(fd);
        FileMapping found = known;
        // The memory file stays mapped, so closing the descriptor neither blocks nor frees memory.
        fd.close();
        return () -> found;
    }

    private Pending mapLater(Fd fd) {
        Future<FileMapping> mapped = thread.submit(() -> {
            try {
                return files.map(fd);
            } finally {
                fd.close();
            }
        });
        return () -> await(mapped);
    }

    private static FileMapping await(Future<FileMapping> mapped) throws IOException {
        try {
            return mapped.get();
        } catch (ExecutionException e) {
            @Nullable
            Throwable cause = e.getCause();
            if (cause instanceof IOException refused) throw refused;
            throw new IllegalStateException("a file could not be mapped", cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("the device ends before its file is mapped");
        }
    }
}
