package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/** What a GPU says it shows: a picture it writes whenever it gets SIGUSR2. For one that has no screen of QEMU's. */
final class SnapshotScreen implements PatternGuest.Screen {
    private final VhostUserGpu gpu;
    private final @Nullable Path kept;

    SnapshotScreen(VhostUserGpu gpu) {
        this(gpu, null);
    }

    /** @param kept where the last picture is left, or null */
    SnapshotScreen(VhostUserGpu gpu, @Nullable Path kept) {
        this.gpu = gpu;
        this.kept = kept;
    }

    @Override
    public Optional<Picture.Difference> await(Picture expected, Duration limit)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            boolean last = System.nanoTime() > deadline;
            Picture shown = take(limit);
            if (last || (shown.width() == expected.width() && shown.height() == expected.height())) {
                Optional<Picture.Difference> difference = expected.difference(shown);
                if (last || difference.isEmpty()) return difference;
            }
        }
    }

    /** Looks until a picture is what is wanted, or the limit is over; returns whether the last was. */
    boolean until(Predicate<Picture> wanted, Duration limit) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            boolean last = System.nanoTime() > deadline;
            boolean found = wanted.test(take(limit));
            if (last || found) return found;
        }
    }

    private Picture take(Duration limit) throws IOException, InterruptedException {
        gpu.signal("USR2");
        Path file = Path.of(gpu.output().waitFor("^snapshot (.+)$", limit).group(1));
        Picture picture = Picture.read(file);
        if (kept == null) {
            Files.delete(file);
        } else {
            Files.move(file, kept, StandardCopyOption.REPLACE_EXISTING);
        }
        return picture;
    }
}
