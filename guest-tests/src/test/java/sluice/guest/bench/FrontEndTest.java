package sluice.guest.bench;

import java.nio.file.Files;
import java.util.Arrays;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** The C front-end of the comparison with the peer. */
class FrontEndTest {
    @Test
    void itCompiles() throws Exception {
        assertThat(FrontEnd.compile()).isExecutable();
    }

    @Test
    void itKnowsAllWorkloadsOfOursAndOfThePeer() throws Exception {
        String source = Files.readString(FrontEnd.compile().resolveSibling("peers.c"));
        assertThat(Arrays.asList(Workload.values())).allSatisfy(workload -> {
            if (workload.isOfProcess()) return;
            assertThat(source).contains("{ \"" + workload.wireName() + "\", ");
            assertThat(workload.ofPeer().isOfBlobs()).as("the peer has no blobs").isFalse();
            assertThat(workload.ofPeer().unit).isEqualTo(workload.unit);
        });
    }
}
