package sluice.vdev.differential;

import java.io.IOException;
import java.nio.file.Files;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** The README tells every accepted difference, in the words of the list that the comparison uses, and no other. */
class DocumentedTest {
    @Test
    void theReadmeTellsWhatIsAccepted() throws IOException {
        String readme = Files.readString(CProgram.module().resolve("README.md"));
        String table = readme.substring(readme.indexOf("## What vhost-user-gpu does otherwise"));
        assertThat(table.lines().filter(line -> line.startsWith("| ") && !line.startsWith("| |"))
                .filter(line -> !line.startsWith("| command |")))
                .containsExactlyElementsOf(
                        Stream.concat(Stream.of(Accepted.values()).map(Accepted::row),
                                Stream.of(Fatal.values()).map(Fatal::row)).toList());
    }
}
