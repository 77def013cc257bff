package sluice.guest;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * An installed QEMU for x86-64 guests.
 *
 * @param path the program
 * @param version for example "10.0.2"
 */
public record QemuBinary(Path path, String version) {
    private static final String NAME = "qemu-system-x86_64";
    private static final int OLDEST = 9;
    private static final Pattern VERSION = Pattern.compile("version (\\d+)(\\.\\d+)*");

    /**
     * Finds QEMU.
     *
     * @param wanted the program to use, or null: the first {@code qemu-system-x86_64} in {@code $PATH}
     * @throws IOException there is none, it does not run, or it is older than version 9
     */
    public static QemuBinary find(@Nullable Path wanted) throws IOException, InterruptedException {
        Path path = wanted != null ? wanted : inPath();
        if (!Files.isExecutable(path))
            throw new IOException(path + " is not an executable file");
        String banner = HostCommand.text(List.of(path.toString(), "--version"));
        Matcher matcher = VERSION.matcher(banner);
        if (!matcher.find())
            throw new IOException(path + " does not look like QEMU: it calls itself " + banner);
        if (Integer.parseInt(matcher.group(1)) < OLDEST) {
            throw new IOException(path + " is QEMU " + matcher.group().substring("version ".length())
                    + ", but version " + OLDEST + " or later is needed: run guest-tests/host/packages.sh");
        }
        return new QemuBinary(path, matcher.group().substring("version ".length()));
    }

    private static Path inPath() throws IOException {
        for (String folder : System.getenv().getOrDefault("PATH", "/usr/bin").split(File.pathSeparator)) {
            Path candidate = Path.of(folder, NAME);
            if (Files.isExecutable(candidate))
                return candidate;
        }
        throw new IOException(
                "there is no " + NAME + " in PATH: run guest-tests/host/packages.sh, or name one with --qemu");
    }
}
