package sluice.vdev.differential;

import java.io.IOException;
import java.nio.file.Files;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** DIFFERENCES.md lists exactly the accepted differences from the C peer, in the words that the comparison uses. */
class DocumentedTest {
    @Test
    void theFileListsWhatIsAccepted() throws IOException {
        String text = Files.readString(CProgram.module().resolve("DIFFERENCES.md"));
        String table = text.substring(0, text.indexOf("# Differences from QEMU's virtio-gpu-pci with blobs"));
        assertThat(table.lines().filter(line -> line.startsWith("| ") && !line.startsWith("| |"))
                .filter(line -> !line.startsWith("| command |")))
                .containsExactlyElementsOf(
                        Stream.concat(Stream.of(Accepted.values()).map(Accepted::row),
                                Stream.of(Fatal.values()).map(Fatal::row)).toList());
    }
}
