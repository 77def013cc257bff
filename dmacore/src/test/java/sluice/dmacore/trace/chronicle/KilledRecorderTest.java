package sluice.dmacore.trace.chronicle;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.ChildJvm;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Recording;

import static org.assertj.core.api.Assertions.assertThat;

/** What is left of a recording when its process goes the hard way. */
class KilledRecorderTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int CAPACITY = 1 << 10;

    @TempDir
    private Path folder;

    @Test
    void aKilledProcessLeavesItsNewestEvents() throws Exception {
        Path file = folder.resolve("killed.rec");
        long claimedWhileAlive = recordUntilReadyAndKill(file);
        try (Recording recording = Recording.open(file)) {
            assertThat(recording.header().isClosed()).isFalse();
            assertThat(recording.header().claimed()).isGreaterThanOrEqualTo(claimedWhileAlive);
            assertThat(recording.names().of(1)).isEqualTo("told before the file was open");
            assertThat(recording.names().of(2)).isEqualTo("told afterwards");
            EventCursor events = recording.events();
            int whole = 0;
            for (Event event = events.next(); event != null; event = events.next()) {
                assertThat(MarkedEvents.isWhole(event)).as("%s is one that was told", event).isTrue();
                whole++;
            }
            // Besides what a writer was at when it was killed, a round of the ring may hold events that were lost before.
            assertThat(whole).isGreaterThan(CAPACITY / 2);
            assertThat(whole + events.missed().unfinished()).isEqualTo(CAPACITY);
            assertThat(events.missed().isDamage()).isFalse();
        }
    }

    private static long recordUntilReadyAndKill(Path file) throws Exception {
        Process child = new ProcessBuilder(
                ChildJvm.commandWithLibraries(List.of(), RecorderChild.class, file.toString()))
                .redirectErrorStream(true).start();
        try (BufferedReader output = child.inputReader()) {
            String line = output.readLine();
            while (line != null && !line.equals("READY"))
                line = output.readLine();
            assertThat(line).as("the child has recorded").isEqualTo("READY");
            long claimed;
            try (Recording live = Recording.open(file)) {
                assertThat(live.header().pid()).isEqualTo(child.pid());
                claimed = live.header().claimed();
                assertThat(claimed).isGreaterThan(100_000);
            }
            child.destroyForcibly();
            assertThat(child.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            return claimed;
        } finally {
            child.destroyForcibly();
        }
    }

    @Test
    void aDiskWithoutRoomIsSaidAndKillsNobody() throws Exception {
        // The header may be written, and the records may not.
        List<String> command = ChildJvm.commandWithLibraries(List.of("prlimit", "--fsize=16384"), RecorderChild.class,
                folder.resolve("full.rec").toString());
        ChildJvm.Result ended = ChildJvm.run(command, folder.resolve("output.txt"), LIMIT);
        assertThat(ended.exitCode()).as(ended.output()).isZero();
        assertThat(ended.value("failed=")).contains("nothing was recorded into").contains("full.rec")
                .contains("File too large");
        assertThat(ended.value("on=")).isEqualTo("false");
    }
}
