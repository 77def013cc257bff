package sluice.guest.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Two processes of tests use one cache. */
class FoldersTest {
    @TempDir
    private Path parent;

    private List<Path> inParent() throws IOException {
        try (Stream<Path> all = Files.list(parent)) {
            return all.toList();
        }
    }

    @Test
    void makesAFolderOnce() throws Exception {
        Path made = Folders.make(parent.resolve("made"), folder -> Files.writeString(folder.resolve("by"), "first"));
        Folders.make(made, folder -> Files.writeString(folder.resolve("by"), "second"));
        assertThat(made.resolve("by")).hasContent("first");
    }

    @Test
    void keepsWhatAnotherHasMadeMeanwhile() throws Exception {
        Path made = Folders.make(parent.resolve("made"), folder -> {
            Files.writeString(Files.createDirectory(parent.resolve("made")).resolve("by"), "other");
            Files.writeString(folder.resolve("by"), "us");
        });
        assertThat(made.resolve("by")).hasContent("other");
        assertThat(inParent()).containsExactly(made);
    }

    @Test
    void leavesNothingUnfinished() throws Exception {
        Path made = parent.resolve("made");
        assertThatThrownBy(() -> Folders.make(made, folder -> Files.readString(folder.resolve("missing"))))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(inParent()).isEmpty();
    }
}
