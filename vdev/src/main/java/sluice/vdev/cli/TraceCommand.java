package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.trace.ChromeExport;
import sluice.vdev.trace.CsvExport;
import sluice.vdev.trace.Frames;
import sluice.vdev.trace.Summary;
import sluice.vdev.trace.SummaryJson;
import sluice.vdev.trace.SummaryText;
import sluice.vdev.trace.Timeline;

/** {@code sluice trace}: reads a flight recording, also one that is still being written. */
@Command(name = "trace", mixinStandardHelpOptions = true, description = "Read a flight recording of a process that is running, has ended, or was killed. Without an option: print a summary.")
final class TraceCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "A file written with --record=FILE.")
    private Path file = Path.of("");

    @ArgGroup
    private View view = new View();

    /** One of these, or none. */
    private static final class View {
        @Option(names = "--json", description = "The summary as JSON.")
        private boolean json;

        @Option(names = "--buffer", paramLabel = "N", description = "The events of one buffer or attachment, by its number in the summary.")
        private @Nullable Integer buffer;

        @Option(names = "--frames", description = "The cost of each frame.")
        private boolean frames;

        @Option(names = "--csv", description = "All events as comma-separated values.")
        private boolean csv;

        @Option(names = "--perfetto", paramLabel = "OUT", description = "Write all events into this file as Chrome trace JSON, for ui.perfetto.dev or chrome://tracing.")
        private @Nullable Path perfetto;
    }

    @Override
    public Integer call() throws IOException {
        try (Recording recording = open()) {
            Missed missed = show(recording);
            out().flush();
            if (missed.isDamage()) {
                err().println("sluice: " + file + " is incomplete: " + missed.cutOff()
                        + " events lie beyond its end, and " + missed.unknown()
                        + " are of an unknown kind");
            }
            return 0;
        }
    }

    private Recording open() throws IOException {
        try {
            return Recording.open(file);
        } catch (NoSuchFileException e) {
            throw new IOException("no such file: " + file, e);
        }
    }

    private Missed show(Recording recording) throws IOException {
        Path perfetto = view.perfetto;
        if (perfetto != null) return write(recording, perfetto);
        if (view.csv) return CsvExport.print(recording, out());
        Integer buffer = view.buffer;
        if (buffer != null) {
            Timeline.Printed printed = Timeline.print(recording, buffer, out());
            if (printed.events() == 0) throw new IOException("no event in " + file + " has the number " + buffer);
            return printed.missed();
        }
        if (view.frames) {
            Frames.Printed printed = Frames.print(recording, out());
            if (printed.frames() == 0) err().println("sluice: no complete frame in " + file);
            return printed.missed();
        }
        Summary summary = Summary.of(recording);
        if (view.json) {
            out().println(new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create()
                    .toJson(SummaryJson.of(summary)));
        } else {
            SummaryText.print(summary, out());
        }
        return summary.missed();
    }

    private Missed write(Recording recording, Path to) throws IOException {
        if (Files.exists(to) && Files.isSameFile(file, to)) {
            throw new IOException("--perfetto=" + to + " is the recording itself: choose another file");
        }
        try (Writer writer = Files.newBufferedWriter(to)) {
            return ChromeExport.write(recording, writer);
        } catch (NoSuchFileException e) {
            throw new IOException("--perfetto=" + to + ": the folder does not exist", e);
        }
    }

    private PrintWriter out() {
        return commandSpec().commandLine().getOut();
    }

    private PrintWriter err() {
        return commandSpec().commandLine().getErr();
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }
}
