package sluice.vdev.cli;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;

/** How a command's devices share buffers, and what is recorded of it; a mixin for picocli. */
final class CoreOption {
    @Option(names = "--coherency", paramLabel = "KIND", defaultValue = "coherent", description = "coherent (default): the device snoops the CPU's caches. non-coherent: it does not, and sees only what was transferred to it; each mistake is a finding in the log and the statistics.")
    private String coherency = "coherent";

    @Mixin
    private RecordOption record = new RecordOption();

    @Mixin
    private ModelOption model = new ModelOption();

    /**
     * How the device reaches memory.
     *
     * @throws IllegalArgumentException a kind that is none
     */
    Stream stream() {
        Stream stream = stream(coherency);
        if (stream == null)
            throw new IllegalArgumentException("--coherency=" + coherency + ": give coherent or non-coherent");
        return stream;
    }

    /** The same by its name, or null. */
    static @Nullable Stream stream(String coherency) {
        return switch (coherency) {
            case "coherent" -> Stream.COHERENT;
            case "non-coherent" -> Stream.NON_COHERENT;
            default -> null;
        };
    }

    /**
     * Makes the core.
     *
     * @throws IOException a recording cannot be made
     * @throws IllegalArgumentException an option that is none
     */
    Machine open() throws IOException {
        Stream stream = stream();
        model.check();
        RecordOption.Open recording = record.open();
        return new Machine(model.open(recording, !stream.coherent()), stream, recording, true);
    }

    /** The report at the end, on stderr: each mistake with how often it was made. The log may be closed by then. */
    static void report(DmaCore core) {
        List<Finding> mistakes = core.findings().errors();
        if (mistakes.isEmpty()) return;
        ErrorOutput.ofProcess().write("sluice: findings, %d of them mistakes:%n%s%n".formatted(mistakes.size(),
                core.findings().report()));
        ErrorOutput.ofProcess().flush(Main.LAST_LINES);
    }

    /**
     * What devices share buffers through.
     *
     * @param stream how they reach memory
     * @param recording is closed when they have ended
     * @param own whether the core is this device's alone
     */
    record Machine(DmaCore core, Stream stream, RecordOption.Open recording, boolean own) implements Closeable {
        /** The same device in a machine of several, which is somebody else's to close. */
        Machine in(DmaCore shared) {
            return new Machine(shared, stream, new RecordOption.Open(shared.options().trace(), null), false);
        }

        @Override
        public void close() throws IOException {
            if (own) report(core);
            recording.close();
        }
    }
}
