package sluice.vdev.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** Many devices in one process. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ManyDevicesTest {
    private static final int DEVICES = 22;

    @Test
    void theHeapFollowsTheNumberOfDevices() throws Exception {
        assertThat(SluiceProgram.heapMib("gpu", "--socket-path=/tmp/gpu.sock")).isEqualTo(256);
        assertThat(SluiceProgram.heapMib()).isEqualTo(256);
        assertThat(SluiceProgram.heapMib("serve", "--device=gpu,fd=3")).isEqualTo(256);
        assertThat(SluiceProgram.heapMib("serve", "--device=gpu,fd=3", "--device", "grabber,fd=4", "--json"))
                .isEqualTo(320);
        List<String> many = new ArrayList<>(List.of("serve"));
        for (int i = 0; i < DEVICES; i++) many.add("--device=gpu,fd=" + (3 + i));
        assertThat(SluiceProgram.heapMib(many.toArray(String[]::new))).isEqualTo(192 + 64 * DEVICES);
    }

    @Test
    void twentyTwoIdleGpusStart(@TempDir Path folder) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("serve"));
        for (int i = 0; i < DEVICES; i++) arguments.add("--device=gpu,socket-path=" + folder.resolve("gpu" + i));
        try (SluiceProgram program = SluiceProgram.start(folder, arguments.toArray(String[]::new))) {
            program.awaitLine("listening on " + folder.resolve("gpu" + (DEVICES - 1)));
            for (int i = 0; i < DEVICES; i++) assertThat(folder.resolve("gpu" + i)).exists();
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(Files.exists(folder.resolve("gpu0"))).isFalse();
        }
    }
}
