package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.CProgram;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The back-end against a front-end that was written in C from the protocol documents alone: what both our Java ends might
 * have misread in the same way shows here.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CFrontEndTest {
    private static final int LIMIT_SECONDS = 60;

    private Path folder;
    private Path program;
    private GpuBackEnd backEnd;
    private Listener listener;

    @BeforeAll
    void start(@TempDir Path temporary) throws IOException {
        folder = temporary;
        program = CProgram.frontEnd(folder);
        backEnd = new GpuBackEnd(GpuOptions.defaults());
        listener = backEnd.listen(folder.resolve("gpu.sock"));
    }

    @AfterAll
    void end() {
        if (listener != null) {
            listener.close();
            backEnd.settle();
            backEnd.close();
        }
    }

    @ParameterizedTest
    @CsvSource({ "table,0,0", "table,0,1", "table,1,0", "table,1,1", "slots,0,0", "slots,0,1", "slots,1,0",
            "slots,1,1" })
    void everythingItChecksHolds(String memory, int eventIndex, int indirect) throws IOException {
        CProgram.Ended ended = CProgram.run(folder, LIMIT_SECONDS, program.toString(),
                "--socket-path=" + folder.resolve("gpu.sock"), "--mem=" + memory, "--event-idx=" + eventIndex,
                "--indirect=" + indirect);
        backEnd.awaitGone();
        assertThat(ended.output()).doesNotContain("not ok").doesNotContain("# SKIP").contains("RESET_DEVICE");
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(backEnd.log().complaints()).isEmpty();
    }
}
