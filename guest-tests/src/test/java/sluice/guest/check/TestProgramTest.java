package sluice.guest.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.guest.Machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** What a user's own program comes to. */
class TestProgramTest {
    private static final Finding MISTAKE = new Finding("D3_UNMAP_SIZE", true, "card", "dma_map_single 0x1000", 0, 8, 1,
            "unmapped 8 bytes of 16");

    @TempDir
    private Path folder;

    private TestProgram program() throws IOException {
        Path file = Files.createFile(folder.resolve("mytest"));
        assertThat(file.toFile().setExecutable(true)).isTrue();
        return TestProgram.of(file);
    }

    private CellResult judged(int status, List<Finding> findings, long lost, String... lines) throws IOException {
        TestProgram program = program();
        Cell cell = Matrix.of(List.of(Matrix.USUAL.getFirst()), program).getFirst();
        assertThat(cell.name()).isEqualTo("iommu-none.direct.coherent.mytest");
        return new Judge(KnownFaults.shipped()).judge(cell, program, new Machine.Done(status, List.of(lines)), findings,
                lost, System.nanoTime());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "0 | PASS | ''",
            "4 | SKIP | mytest cannot be run here: it ended with status 4",
            "1 | FAIL | mytest ended with status 1; it says: not ok 2 frames",
            "139 | FAIL | mytest was ended by signal 11; it says: not ok 2 frames" })
    void itsExitStatusIsTheVerdict(int status, Outcome outcome, String reason) throws IOException {
        CellResult result = judged(status, List.of(), 0, "1..3", "ok 1 opens", "not ok 3 later # TODO",
                status == 0 || status == 4 ? "ok 2 frames" : "not ok 2 frames");
        assertThat(result.outcome()).isEqualTo(outcome);
        assertThat(result.reason()).isEqualTo(reason);
        assertThat(result.console()).as("what it said is kept").contains("1..3", "ok 1 opens");
    }

    @Test
    void whatTheCoreFindsFailsItToo() throws IOException {
        CellResult result = judged(0, List.of(MISTAKE), 0);
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(result.reason()).contains("D3_UNMAP_SIZE", "unmapped 8 bytes of 16");
    }

    @Test
    void aLostCallMakesItInconclusive() throws IOException {
        assertThat(judged(0, List.of(), 2).outcome()).isEqualTo(Outcome.INCONCLUSIVE);
    }

    @Test
    void whatIsNoProgramIsRefused() throws IOException {
        Path text = Files.createFile(folder.resolve("text"));
        assertThatIOException().isThrownBy(() -> TestProgram.of(text))
                .withMessageContaining("not an executable program");
        assertThatIOException().isThrownBy(() -> TestProgram.of(folder.resolve("none")))
                .withMessageContaining("not an executable program");
        Path odd = Files.createFile(folder.resolve("a b;c"));
        assertThat(odd.toFile().setExecutable(true)).isTrue();
        assertThatIOException().isThrownBy(() -> TestProgram.of(odd)).withMessageContaining("take a name");
    }
}
