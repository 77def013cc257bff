package sluice.guest.build;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

import org.jspecify.annotations.Nullable;

/** Folders of a run or a build. */
public final class Folders {
    private Folders() {}

    /** Fills a new folder. */
    @FunctionalInterface
    public interface Content {
        void write(Path folder) throws IOException, InterruptedException;
    }

    /**
     * Makes a folder unless it exists. It gets its name when it is complete; if two processes make it at the same time, that of the first is
     * kept.
     *
     * @param folder in an existing folder
     * @throws IOException it cannot be made
     */
    public static Path make(Path folder, Content content) throws IOException, InterruptedException {
        if (Files.exists(folder)) return folder;
        Path unfinished = Files.createTempDirectory(folder.toAbsolutePath().getParent(), "unfinished-");
        try {
            content.write(unfinished);
            Files.move(unfinished, folder);
        } catch (FileSystemException e) {
            if (!Files.isDirectory(folder)) throw e;
        } finally {
            delete(unfinished);
        }
        return folder;
    }

    /**
     * Deletes a folder with everything in it; symbolic links are deleted, not followed; a missing folder is not an
     * error.
     */
    public static void delete(Path folder) throws IOException {
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.deleteIfExists(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
                        throws IOException {
                    if (failure != null)
                        throw failure;
                    Files.deleteIfExists(visited);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (NoSuchFileException gone) {
            return; // already deleted
        }
    }
}
