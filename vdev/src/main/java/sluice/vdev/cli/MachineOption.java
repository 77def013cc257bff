package sluice.vdev.cli;

import java.io.IOException;
import java.util.List;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Finding;
import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.ServerProcess;

/** What the devices of a process share: caches, findings, a recording; a mixin for picocli. */
final class MachineOption {
    @Mixin
    private RecordOption record = new RecordOption();

    @Mixin
    private ModelOption model = new ModelOption();

    /**
     * A process that serves nothing yet. When it ends it tells of the mistakes that were found, and ends the recording.
     *
     * @param spec the command whose usage is wrong
     * @throws IOException a recording cannot be made
     * @throws ParameterException an option has a value that it cannot have
     */
    ServerProcess open(CommandSpec spec) throws IOException {
        try {
            model.check();
            RecordOption.Open recording = record.open();
            DmaCore core = model.open(recording, true);
            ServerProcess process = new ServerProcess(core);
            process.hold(recording);
            process.hold(() -> report(core));
            return process;
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
        }
    }

    /** The report at the end, on stderr: each mistake with how often it was made. The log may be closed by then. */
    static void report(DmaCore core) {
        List<Finding> mistakes = core.findings().errors();
        if (mistakes.isEmpty()) return;
        ErrorOutput.ofProcess().write("sluice: findings, %d of them mistakes:%n%s%n".formatted(mistakes.size(),
                core.findings().report()));
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
    }
}
