package sluice.dmacore.ownership;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.TraceSink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A walk ends where it was told to, and one that could not is not begun. */
// An endless one holds the buffer's lock, and does not see an interrupt.
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WalkTest {
    private static final int PAGE = 4096;

    private final MemoryFiles files = new MemoryFiles(4);
    private final Ledger ledger = new Ledger();
    private FileMapping file;
    private Lines whole;
    private Lines scattered;

    @BeforeEach
    void adds() throws Exception {
        file = files.mapping(4 * PAGE);
        whole = added(1, 0, 2 * PAGE);
        // Three lines, of which it has a part each time.
        scattered = added(2, 2 * PAGE + 60, 70, 3 * PAGE + 1, 2);
    }

    private Lines added(int number, long... offsetsAndLengths) throws LedgerFullException, IOException {
        Runs runs = new Runs();
        for (int i = 0; i < offsetsAndLengths.length; i += 2)
            runs.add(file, offsetsAndLengths[i], offsetsAndLengths[i + 1]);
        return ledger.add(number, "buffer " + number, runs, false).lines();
    }

    @AfterEach
    void removes() {
        ledger.remove(whole);
        ledger.remove(scattered);
        file.release();
        files.awaitUnmapped();
    }

    private static List<String> stretches(Walk walk) {
        List<String> all = new ArrayList<>();
        while (walk.next())
            all.add(walk.first() + "-" + walk.end() + (walk.isCut() ? " cut" : ""));
        return all;
    }

    @Test
    void itGoesOverTheLinesOfItsBytes() {
        assertThat(stretches(whole.walk().look(0, 128))).containsExactly("0-128");
        assertThat(stretches(whole.walk().transfer(0, 2 * PAGE))).containsExactly("0-128");
        assertThat(stretches(whole.walk().transfer(1, 129))).containsExactly("0-1 cut", "1-2", "2-3 cut");
        assertThat(stretches(whole.walk().look(128, 128))).isEmpty();
        assertThat(stretches(scattered.walk().transfer(0, 72))).containsExactly("0-4");
    }

    @Test
    void oneBeyondTheBufferIsNotBegun() {
        for (int[] lines : new int[][]{ { 0, 129 }, { 128, 129 }, { -1, 1 }, { 2, 1 } }) {
            assertThatThrownBy(() -> whole.walk().look(lines[0], lines[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> whole.walk().change(lines[0], lines[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    /** Whoever asks for it has the lock, and gives it back. */
    @Test
    void theGateTouchesNothingBeyondTheBuffer() {
        Gate gate = new Gate(Flavour.ARM64, CacheExecutor.NONE, new Findings(), TraceSink.NONE);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> gate.beginCpuAccess(whole, 1, 2 * PAGE, Direction.BIDIRECTIONAL))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> gate.cpuAccess(whole, 2 * PAGE, 1, false))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }
}
