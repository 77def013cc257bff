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
 * Maps files for a caller that must not wait. A file that is mapped already, as nearly all are, is found at once; another is
 * mapped on a thread of its own, which waits for the kernel and for others who map. The thread is there while it is needed.
 */
final class FileMapper {
    private static final int IDLE_SECONDS = 1;

    /** A mapping that there is, or will be soon. The caller releases it. */
    @FunctionalInterface
    interface Pending {
        /** Waits for it, if need be. */
        FileMapping get() throws IOException;
    }

    private final FileMappings files;
    private final Disposal disposal;
    private final ThreadPoolExecutor thread = new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), Thread.ofPlatform().name("sluice-map").daemon().factory());

    FileMapper(FileMappings files, Disposal disposal) {
        this.files = files;
        this.disposal = disposal;
        thread.allowCoreThreadTimeOut(true);
    }

    /** Maps the file behind a descriptor, which is closed as soon as it is not needed, whoever waits for what it does. */
    Pending map(Fd fd) {
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
        // A memory file that stays mapped: there is nothing to wait for, and nothing to free.
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
