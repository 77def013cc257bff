package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** What a GPU says it shows: a picture it writes whenever it gets SIGUSR2. For one that has no screen of QEMU's. */
final class SnapshotScreen implements PatternGuest.Screen {
    private final VhostUserGpu gpu;

    SnapshotScreen(VhostUserGpu gpu) {
        this.gpu = gpu;
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

    private Picture take(Duration limit) throws IOException, InterruptedException {
        gpu.signal("USR2");
        Path file = Path.of(gpu.output().waitFor("^snapshot (.+)$", limit).group(1));
        Picture picture = Picture.read(file);
        Files.delete(file);
        return picture;
    }
}
