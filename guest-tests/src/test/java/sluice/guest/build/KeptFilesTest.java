package sluice.guest.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What of a folder of the cache is deleted. */
class KeptFilesTest {
    @TempDir
    private Path folder;
    private KeptFiles kept;

    @BeforeEach
    void fourFilesOfOneKibEach() throws IOException {
        kept = new KeptFiles(folder, 2048, Duration.ofHours(6));
        for (int hours : new int[]{ 30, 20, 10, 1 }) used("hours-" + hours, Duration.ofHours(hours));
        Files.createDirectory(folder.resolve("folder"));
    }

    private void used(String name, Duration ago) throws IOException {
        Path file = Files.write(folder.resolve(name), new byte[1024]);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(ago)));
    }

    @Test
    void theOldestGoFirstUntilTheOthersAreWithinTheLimit() throws IOException {
        assertThat(kept.prune()).isEqualTo(2);
        assertThat(folder).isDirectoryNotContaining("glob:**hours-{30,20}")
                .isDirectoryContaining("glob:**hours-10").isDirectoryContaining("glob:**hours-1");
        assertThat(kept.prune()).isZero();
    }

    @Test
    void aUseMakesItTheNewest() throws IOException {
        assertThat(kept.use(folder.resolve("hours-30"))).isTrue();
        assertThat(kept.use(folder.resolve("hours-40"))).isFalse();
        kept.prune();
        assertThat(folder).isDirectoryNotContaining("glob:**hours-{20,10}")
                .isDirectoryContaining("glob:**hours-30").isDirectoryContaining("glob:**hours-1");
    }

    @Test
    void whatWasUsedRecentlyStaysBeyondTheLimit() throws IOException {
        for (int i = 0; i < 5; i++) used("new-" + i, Duration.ofMinutes(i));
        assertThat(kept.prune()).isEqualTo(3);
        assertThat(folder).isDirectoryContaining("glob:**hours-1").isDirectoryContaining("glob:**new-4");
    }
}
