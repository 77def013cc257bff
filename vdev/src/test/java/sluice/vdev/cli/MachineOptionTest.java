package sluice.vdev.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Rule;
import sluice.vdev.serve.ServerProcess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What the devices of a process share. */
class MachineOptionTest {
    @TempDir
    private Path folder;

    private static CommandSpec spec() {
        return new CommandLine(CommandSpec.create()).getCommandSpec();
    }

    @Test
    void whatDevicesDoWithBuffersIsRecorded() throws IOException {
        Path file = folder.resolve("recording");
        MachineOption option = CommandLine.populateCommand(new MachineOption(), "--record=" + file);
        try (ServerProcess process = ServeCommand.open(option, spec())) {
            assertThat(file).exists();
            assertThat(process).isNotNull();
        }
        MachineOption wrong = CommandLine.populateCommand(new MachineOption(), "--flavour=mips");
        assertThatExceptionOfType(ParameterException.class).isThrownBy(() -> ServeCommand.open(wrong, spec()))
                .withMessageContaining("give arm64 or arc");
    }

    @Test
    void whatWasDoneWrongIsReportedAtTheEnd() {
        PrintStream usual = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            DmaCore core = DmaCore.open(DmaCoreOptions.counting());
            MachineOption.report(core);
            core.findings().add(Rule.D20_SYNC_TOO_LONG, "gpu", "resource 7", 0, 64, "a mistake");
            MachineOption.report(core);
        } finally {
            System.setErr(usual);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8)).contains("sluice: findings, 1 of them mistakes:",
                "D20_SYNC_TOO_LONG: a mistake: gpu, resource 7 [0x0, 0x3f]").containsOnlyOnce("sluice:");
    }
}
