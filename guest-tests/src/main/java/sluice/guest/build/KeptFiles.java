package sluice.guest.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * Files of one folder of the cache, which can be made again: when they exceed a limit, those used longest ago are deleted. A
 * file's modification time is that of its last use. Several processes may share the folder.
 */
public record KeptFiles(Path folder, long limit, Duration spared) {
    /**
     * @param limit bytes of all files
     * @param spared a file used more recently is not deleted, as a machine may be about to start with it
     */
    public KeptFiles {}

    private record Kept(Path file, long bytes, Instant used) {}

    /**
     * Marks a file as used now, so that it is not deleted for a while.
     *
     * @return false if it does not exist
     */
    public boolean use(Path file) throws IOException {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            return true;
        } catch (NoSuchFileException absent) {
            return false;
        }
    }

    /**
     * Deletes files until the others are within the limit, or were used recently.
     *
     * @return how many were deleted
     */
    public int prune() throws IOException {
        List<Kept> all = files();
        all.sort(Comparator.comparing(Kept::used));
        long bytes = all.stream().mapToLong(Kept::bytes).sum();
        Instant recently = Instant.now().minus(spared);
        int deleted = 0;
        for (Kept kept : all) {
            if (bytes <= limit || kept.used().isAfter(recently)) break;
            bytes -= kept.bytes();
            if (Files.deleteIfExists(kept.file())) deleted++;
        }
        return deleted;
    }

    private List<Kept> files() throws IOException {
        List<Kept> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Kept kept = kept(file);
                if (kept != null) all.add(kept);
            }
        }
        return all;
    }

    /** Null for what is no regular file, or has been deleted by another process. */
    private static @Nullable Kept kept(Path file) throws IOException {
        try {
            BasicFileAttributes of = Files.readAttributes(file, BasicFileAttributes.class);
            return of.isRegularFile() ? new Kept(file, of.size(), of.lastModifiedTime().toInstant()) : null;
        } catch (NoSuchFileException gone) {
            return null;
        }
    }
}
