package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.JournalPeer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Entries as a journal gets them. */
@Timeout(60)
class JournalTest {
    @TempDir
    private Path folder;
    private Path path;
    private JournalPeer peer;
    private Journal journal;

    @BeforeEach
    void start() throws IOException {
        path = folder.resolve("socket");
        peer = JournalPeer.open(path);
        journal = Journal.connect(path);
    }

    @AfterEach
    void end() {
        peer.close();
    }

    private static LogLine line(String message) {
        return new LogLine(LogLevel.WARNING, "sluice.vdev.rfb.Viewer", message);
    }

    @ParameterizedTest
    @CsvSource({ "SEVERE,3", "WARNING,4", "INFO,6", "FINE,7", ",5" })
    void anEntryHasThePriorityOfItsLevel(String level, String priority) throws IOException {
        journal.write(new LogLine(level == null ? null : LogLevel.parse(level), "", "gpu: ü = 1"));
        assertThat(peer.next()).containsOnlyKeys("PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE")
                .containsEntry("PRIORITY", priority).containsEntry("SYSLOG_IDENTIFIER", "sluice")
                .containsEntry("MESSAGE", "gpu: ü = 1");
    }

    @Test
    void aStackTraceStaysTogether() throws IOException {
        journal.write(line("failed\nwhy\n\tat here"));
        assertThat(peer.next()).containsEntry("MESSAGE", "failed\nwhy\n\tat here")
                .containsEntry("SLUICE_LOGGER", "sluice.vdev.rfb.Viewer");
        assertThat(peer.cameInFile()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = { Journal.MOST_DATAGRAM_BYTES, 3 << 20 })
    void aLongEntryTravelsInAFile(int length) throws IOException {
        String text = "ab\n".repeat(length / 3) + "end";
        journal.write(line(text));
        assertThat(peer.next()).containsEntry("MESSAGE", text);
        assertThat(peer.cameInFile()).isTrue();
    }

    /** More than the socket's queue holds: the writer waits, as only the thread of the log may. */
    @Test
    void aSlowJournalLosesNothing() throws Exception {
        int count = 3000;
        Thread writer = Thread.ofPlatform().start(() -> {
            try {
                for (int i = 0; i < count; i++) journal.write(line("line " + i));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        for (int i = 0; i < count; i++) assertThat(peer.next()).containsEntry("MESSAGE", "line " + i);
        writer.join();
    }

    @Test
    void aJournalThatIsStartedAnewGetsTheNextEntry() throws IOException {
        peer.close();
        Files.delete(path);
        assertThatThrownBy(() -> journal.write(line("lost"))).isInstanceOf(IOException.class);
        peer = JournalPeer.open(path);
        journal.write(line("found"));
        assertThat(peer.next()).containsEntry("MESSAGE", "found");
    }

    @Test
    void aMissingJournalIsNamed() {
        assertThatThrownBy(() -> Journal.connect(folder.resolve("none"))).isInstanceOf(IOException.class)
                .hasMessageContaining("there is no journal at " + folder.resolve("none"));
    }

    /** What could not be written is counted, and told to the next journal. */
    @Test
    void lostLinesAreCounted() throws Exception {
        ErrorOutput out = new ErrorOutput(new java.io.ByteArrayOutputStream());
        out.setTarget(journal::write);
        peer.close();
        Files.delete(path);
        out.write("lost\n");
        out.write("lost\n");
        assertThat(out.flush(java.time.Duration.ofSeconds(20))).isTrue();
        peer = JournalPeer.open(path);
        out.write("found\n");
        assertThat(peer.next().get("MESSAGE")).startsWith("2 lines were dropped");
        assertThat(peer.next()).containsEntry("MESSAGE", "found");
    }
}
