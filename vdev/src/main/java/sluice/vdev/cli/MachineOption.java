package sluice.vdev.cli;

import java.io.IOException;
import java.util.List;

import picocli.CommandLine.Mixin;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.trace.TraceSink;
import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.ServerProcess;

/**
 * Options shared by the devices of a process: cache model, findings, recording, console; a mixin for picocli. Its methods do not use
 * picocli, whose classes {@link QuickStart} does without.
 */
final class MachineOption {
    @Mixin
    private LogOption log = new LogOption();

    @Mixin
    private RecordOption record = new RecordOption();

    @Mixin
    private ProfileOption profile = new ProfileOption();

    @Mixin
    private ConsoleOption console = new ConsoleOption();

    @Mixin
    private ModelOption model = new ModelOption();

    /**
     * Creates a process without devices. At its end it reports the findings and closes the recording.
     *
     * @throws IOException the recording cannot be created
     * @throws IllegalArgumentException an option has an invalid value; the message is a sentence
     */
    ServerProcess open() throws IOException {
        log.apply();
        model.check();
        record.check();
        console.check();
        ProfileOption.Open profiling = profile.open();
        RecordOption.Open recording = record
                .open(console.sink(profiling == null ? TraceSink.NONE : profiling.sink()));
        DmaCore core = model.open(recording, true);
        ServerProcess process = new ServerProcess(core);
        process.hold(recording);
        if (profiling != null) process.hold(profiling);
        process.hold(() -> report(core));
        boolean isOpen = false;
        try {
            console.open(process);
            isOpen = true;
            return process;
        } finally {
            if (!isOpen) process.close();
        }
    }

    /** The report at the end, on stderr: each finding with its count. The log may be closed by then. */
    static void report(DmaCore core) {
        List<Finding> mistakes = core.findings().errors();
        if (mistakes.isEmpty()) return;
        ErrorOutput.ofProcess().write("sluice: findings, %d of them mistakes:%n%s%n".formatted(mistakes.size(),
                core.findings().report()));
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
    }
}
