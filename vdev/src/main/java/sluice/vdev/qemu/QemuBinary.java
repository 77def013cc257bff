package sluice.vdev.qemu;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * A QEMU for x86-64 guests, installed or unpacked.
 *
 * @param path the program
 * @param version for example "10.0.2"
 */
public record QemuBinary(Path path, String version) {
    public static final String NAME = "qemu-system-x86_64";
    /** Names the QEMU to use; so does the system property {@code sluice.qemu}, which wins. */
    public static final String VARIABLE = "SLUICE_QEMU";
    public static final String PROPERTY = "sluice.qemu";

    /** The oldest version chosen automatically. */
    private static final int OLDEST_UNASKED = 9;
    private static final int OLDEST = 7;
    private static final Pattern VERSION = Pattern.compile("version ((\\d+)(\\.\\d+)*)");

    /**
     * Finds the QEMU to use.
     *
     * @param wanted the program; if null, the one that the system property {@code sluice.qemu} or the environment variable
     * {@code SLUICE_QEMU} names; if there is none, the first {@code qemu-system-x86_64} in {@code $PATH}
     * @throws IOException there is none, it does not run, or it is too old: older than version 7 if named explicitly,
     * otherwise older than version 9
     */
    public static QemuBinary find(@Nullable Path wanted) throws IOException, InterruptedException {
        Path asked = wanted != null ? wanted : setting();
        QemuBinary found = at(asked != null ? asked : requireInPath());
        int oldest = asked != null ? OLDEST : OLDEST_UNASKED;
        if (found.major() < oldest) {
            throw new IOException("%s is QEMU %s, but version %d or later is needed: run guest-tests/host/packages.sh"
                    .formatted(found.path, found.version, oldest));
        }
        return found;
    }

    /**
     * Queries a program for its version.
     *
     * @throws IOException it cannot be run, or is not QEMU
     */
    public static QemuBinary at(Path path) throws IOException, InterruptedException {
        if (!Files.isExecutable(path))
            throw new IOException(path + " is not an executable file");
        String banner = HostCommand.text(List.of(path.toString(), "--version"));
        Matcher matcher = VERSION.matcher(banner);
        if (!matcher.find())
            throw new IOException(path + " does not look like QEMU: it calls itself " + banner);
        return new QemuBinary(path, matcher.group(1));
    }

    /** The first number of the version. */
    public int major() {
        return Integer.parseInt(version.split("\\.", 2)[0]);
    }

    /**
     * Whether it refuses vhost-user devices unless it runs guests under KVM. Version 7.2 does, before it sends a
     * message; 10.0 does not. Versions between were not tested.
     */
    public boolean wantsKvmForVhostUser() {
        return major() <= OLDEST;
    }

    /** The configured program, or null. */
    public static @Nullable Path setting() {
        String property = System.getProperty(PROPERTY, "");
        String set = property.isEmpty() ? System.getenv().getOrDefault(VARIABLE, "") : property;
        return set.isEmpty() ? null : Path.of(set);
    }

    public static Optional<Path> inPath() {
        for (String folder : System.getenv().getOrDefault("PATH", "/usr/bin").split(File.pathSeparator)) {
            Path candidate = Path.of(folder, NAME);
            if (Files.isExecutable(candidate))
                return Optional.of(candidate);
        }
        return Optional.empty();
    }

    private static Path requireInPath() throws IOException {
        return inPath().orElseThrow(() -> new IOException(
                NAME + " is not in PATH: run guest-tests/host/packages.sh, or name one with --qemu"));
    }
}
