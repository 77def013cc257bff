package sluice.vdev.profile;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.file.FileFailure;
import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.profile.guest.GuestMatch;
import sluice.vdev.profile.guest.GuestTrace;

/**
 * The files of a profile: two recordings, which are written while the devices run, and what is made of them afterwards, or again after a
 * process was killed.
 *
 * @param folder where they are
 */
public record ProfileFolder(Path folder) {
    private static final Logger LOG = LoggerFactory.getLogger(ProfileFolder.class);

    /** The flight recording. */
    public Path recording() {
        return folder.resolve("flight.rec");
    }

    /** The recording of JDK Flight Recorder. */
    public Path jfr() {
        return folder.resolve("profile.jfr");
    }

    /** What the guest's kernel has told of its driver; absent unless somebody has fetched it. */
    public Path guestTrace() {
        return folder.resolve("guest.trace");
    }

    /** The trace for ui.perfetto.dev. */
    public Path trace() {
        return folder.resolve("trace.pftrace");
    }

    /** The report. */
    public Path report() {
        return folder.resolve("report.html");
    }

    /** What it has when all is written; a guest's trace is not one of them. */
    List<Path> files() {
        return List.of(report(), trace(), jfr(), recording());
    }

    /**
     * Creates the folder if it is missing. A trace of a guest that is there is of an earlier run, and is deleted.
     *
     * @throws IOException it cannot be created, or is not a folder
     */
    public void create() throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder))
            throw new IOException(folder + " is not a folder: give another for the profile");
        Files.createDirectories(folder);
        Files.deleteIfExists(guestTrace());
    }

    /**
     * Keeps a copy of a guest's trace.
     *
     * @throws IOException the file cannot be read, or there is no profile to bring it into
     */
    public void takeGuestTrace(Path file) throws IOException {
        open().close();
        if (Files.exists(guestTrace()) && Files.isSameFile(file, guestTrace())) return;
        Files.copy(file, guestTrace(), StandardCopyOption.REPLACE_EXISTING);
    }

    /**
     * Writes trace and report.
     *
     * @param machines what the cost of the run is told for
     * @return what the recording tells
     * @throws IOException there is no recording, or no room for the files, which are then as they were
     */
    public Profile write(List<CostModel> machines) throws IOException {
        try (Recording from = open()) {
            Profile profile = profile(from);
            long[] dropped = new long[1];
            replace(trace(), out -> dropped[0] = PerfettoExport.write(from, profile, out));
            JfrProfile samples = samples();
            String text = new HtmlReport(profile, samples, machines, dropped[0]).text();
            replace(report(), out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
            return profile;
        }
    }

    /** What the recording tells. */
    public Profile read() throws IOException {
        try (Recording from = open()) {
            return profile(from);
        }
    }

    private Profile profile(Recording from) throws IOException {
        GuestTrace told = Files.exists(guestTrace()) ? GuestTrace.read(guestTrace()) : null;
        return Profile.of(from, GuestMatch.of(from, told));
    }

    private Recording open() throws IOException {
        try {
            return Recording.open(recording());
        } catch (NoSuchFileException e) {
            throw new IOException("there is no profile in " + folder + ": it has no file " + recording().getFileName(),
                    e);
        }
    }

    /** Null if there is none: a killed process has not written it, and the JDK may be without it. */
    private @Nullable JfrProfile samples() {
        if (!Files.exists(jfr())) return null;
        try {
            return JfrProfile.read(jfr());
        } catch (IOException e) {
            LOG.warn("{} is not in the report: {}", jfr(), e.getMessage());
            return null;
        }
    }

    @FunctionalInterface
    private interface Content {
        void write(OutputStream out) throws IOException;
    }

    /** Nobody sees half of a file. */
    private static void replace(Path file, Content content) throws IOException {
        Path made = file.resolveSibling(file.getFileName() + ".new");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(made), 1 << 16)) {
                content.write(out);
            }
            Files.move(made, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            Files.deleteIfExists(made);
            throw new IOException(file + " cannot be written: " + FileFailure.reason(e), e);
        }
    }
}
