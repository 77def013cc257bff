package sluice.vdev.profile;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.file.FileFailure;
import sluice.dmacore.trace.SwitchedSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;

/**
 * A recording, or a profile, that starts and stops while devices run, as often as is asked for: one at a time, with a limited size, into
 * the next free name of a folder. What goes wrong is told by its {@link #status}; devices go on. Thread-safe; nothing here waits for a file
 * but {@link #close}.
 */
public final class Capture implements Closeable {
    /** Most captures of a kind in a folder. */
    public static final int MOST = 99;
    private static final Duration ENDING = Duration.ofSeconds(60);
    private static final Logger LOG = LoggerFactory.getLogger(Capture.class);

    /** What is captured. */
    public enum Kind {
        /** The newest {@value RecorderOptions#DEFAULT_CAPACITY} events in a flight recording. */
        RECORDING("-%d.rec"),
        /** The same, samples of JDK Flight Recorder, and at the end a report and a trace: {@link ProfileFolder}. */
        PROFILE("-%d");

        private final String suffix;

        Kind(String suffix) {
            this.suffix = suffix;
        }

        /** As in paths. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        private Path path(Path folder, int number) {
            return folder.resolve(label() + suffix.formatted(number));
        }

        /** Those of its files that are there. */
        private List<Written> files(Path made) {
            if (this == RECORDING) return List.of(new Written(made, String.valueOf(made.getFileName())));
            return new ProfileFolder(made).files().stream().filter(Files::exists)
                    .map(file -> new Written(file, made.getFileName() + "-" + file.getFileName())).toList();
        }
    }

    /** What a capture does. */
    public enum Phase {
        OFF,
        STARTING,
        RUNNING,
        STOPPING
    }

    /**
     * How a capture is.
     *
     * @param path of the file or folder of the present, or else the last, capture; empty if there was none
     * @param problem why the last has failed, a sentence, or empty
     * @param files what the last has left, if none is under way
     */
    public record Status(Phase phase, String path, String problem, List<Written> files) {
        public Status {
            files = List.copyOf(files);
        }

        private Status(Phase phase, String path, String problem) {
            this(phase, path, problem, List.of());
        }
    }

    /**
     * A file that a capture has left.
     *
     * @param path where it was when the capture ended
     * @param name for a copy of it elsewhere, which tells from which capture it is: {@code profile-1-report.html}
     */
    public record Written(Path path, String name) {}

    /** What runs. */
    private record Running(FlightRecorder recorder, @Nullable JfrRecorder jfr, Path to) {}

    private final Kind kind;
    private final Path folder;
    private final SwitchedSink sink;
    private final DmaCore core;
    private volatile Status status = new Status(Phase.OFF, "", "");
    // Under the lock.
    private @Nullable Thread worker;
    private @Nullable Running running;
    private boolean closed;

    /**
     * A capture that is off.
     *
     * @param folder created with the first
     * @param sink part of the core's trace
     */
    public Capture(Kind kind, Path folder, SwitchedSink sink, DmaCore core) {
        this.kind = kind;
        this.folder = folder.toAbsolutePath().normalize();
        this.sink = sink;
        this.core = core;
    }

    public Kind kind() {
        return kind;
    }

    public Status status() {
        return status;
    }

    /** Begins to start it; false if it is not off. */
    public synchronized boolean start() {
        if (closed || status.phase() != Phase.OFF) return false;
        begin(new Status(Phase.STARTING, "", ""), this::started);
        return true;
    }

    /** Begins to stop it, and to write what there is at the end; false if it is not running. */
    public synchronized boolean stop() {
        if (status.phase() != Phase.RUNNING) return false;
        begin(new Status(Phase.STOPPING, status.path(), ""), this::stopped);
        return true;
    }

    /** A step, on a thread of its own. */
    private interface Step {
        Status run() throws IOException;
    }

    private void begin(Status meanwhile, Step step) {
        status = meanwhile;
        worker = Thread.ofPlatform().daemon().name("sluice-" + kind.label()).start(() -> {
            Status now;
            try {
                now = step.run();
            } catch (IOException e) {
                now = failed(FileFailure.reason(e), e);
            } catch (RuntimeException | LinkageError e) {
                LOG.error("the {} failed", kind.label(), e);
                now = failed(e.toString(), e);
            }
            status = now;
        });
    }

    private Status failed(String reason, Throwable cause) {
        LOG.warn("the {} failed: {}", kind.label(), reason);
        LOG.debug("its cause", cause);
        return new Status(Phase.OFF, "", reason);
    }

    private Status started() throws IOException {
        Running now = open();
        synchronized (this) {
            running = now;
        }
        sink.add(now.recorder());
        core.nameAll(now.recorder());
        LOG.info("the {} into {} has started", kind.label(), now.to());
        return new Status(Phase.RUNNING, now.to().toString(), "");
    }

    private Running open() throws IOException {
        Path to = free();
        if (kind == Kind.RECORDING) return new Running(recorder(to), null, to);
        ProfileFolder files = new ProfileFolder(to);
        files.create();
        FlightRecorder recorder = null;
        boolean done = false;
        try {
            recorder = recorder(files.recording());
            Running made = new Running(recorder, JfrRecorder.start(files.jfr()), to);
            done = true;
            return made;
        } finally {
            if (!done) {
                if (recorder != null) recorder.close();
                Files.deleteIfExists(files.recording());
                Files.deleteIfExists(files.jfr());
                Files.deleteIfExists(to);
            }
        }
    }

    /** The first name that is not taken. */
    private Path free() throws IOException {
        new ProfileFolder(folder).create();
        for (int i = 1; i <= MOST; i++) {
            Path path = kind.path(folder, i);
            if (!Files.exists(path)) return path;
        }
        throw new IOException("%s has %d %ss already: move some away".formatted(folder, MOST, kind.label()));
    }

    /** A recorder that records; without room for all of its file there is none, and no file. */
    private static FlightRecorder recorder(Path file) throws IOException {
        FlightRecorder recorder = FlightRecorder.start(RecorderOptions.of(file));
        if (recorder.awaitOpen()) return recorder;
        Files.deleteIfExists(file);
        recorder.close(); // tells why
        throw new IOException(file + " could not be opened in time");
    }

    private Status stopped() throws IOException {
        Running last;
        synchronized (this) {
            last = running;
            running = null;
        }
        if (last == null) throw new IllegalStateException("it was running");
        sink.remove(last.recorder());
        try {
            JfrRecorder jfr = last.jfr();
            if (jfr != null) jfr.close();
        } finally {
            last.recorder().close();
        }
        if (!Files.exists(last.to())) throw new IOException(last.to() + " has gone meanwhile, and all that was in it");
        if (kind == Kind.PROFILE) new ProfileFolder(last.to()).write(CostModel.PRESETS);
        LOG.info("the {} was written: {}", kind.label(), last.to());
        return new Status(Phase.OFF, last.to().toString(), "", kind.files(last.to()));
    }

    /** Stops it, and waits up to a minute for what it writes. */
    @Override
    public void close() throws IOException {
        synchronized (this) {
            closed = true;
        }
        await();
        if (!stop()) return;
        await();
        String problem = status.problem();
        if (!problem.isEmpty()) throw new IOException(problem);
    }

    private void await() throws IOException {
        Thread last;
        synchronized (this) {
            last = worker;
        }
        if (last == null) return;
        try {
            if (!last.join(ENDING))
                throw new IOException("the %s was not written within %s".formatted(kind.label(), ENDING));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
