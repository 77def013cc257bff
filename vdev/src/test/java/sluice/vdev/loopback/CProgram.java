package sluice.vdev.loopback;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Small C programs that take part in tests, compiled when they are needed. */
public final class CProgram {
    private static final int COMPILE_SECONDS = 60;

    private CProgram() {}

    /** The C front-end that shares no code with ours, compiled into {@code folder}. */
    public static Path frontEnd(Path folder) throws IOException {
        return compile(module().resolveSibling("guest-tests/guest/frontend.c"), folder);
    }

    /** A program that connects two others by a pair of sockets, compiled into {@code folder}. */
    public static Path pair(Path folder) throws IOException {
        return compile(module().resolve("src/test/c/pair.c"), folder);
    }

    /** A program that starts another with listening sockets, compiled into {@code folder}. */
    public static Path activate(Path folder) throws IOException {
        return compile(module().resolve("src/test/c/activate.c"), folder);
    }

    /** The folder of this module: where Maven runs its tests. */
    public static Path module() {
        Path here = Path.of("").toAbsolutePath();
        return Files.isDirectory(here.resolve("src/test/c")) ? here : here.resolve("vdev");
    }

    private static Path compile(Path source, Path folder) throws IOException {
        assumeTrue(isInstalled("gcc"), "there is no gcc in PATH, which compiles " + source.getFileName());
        Path program = folder.resolve(String.valueOf(source.getFileName()).replace(".c", ""));
        Ended gcc = run(folder, COMPILE_SECONDS, "gcc", "-O2", "-o", program.toString(), source.toString());
        if (gcc.status() != 0) {
            throw new AssertionError("gcc: " + gcc.output());
        }
        return program;
    }

    private static boolean isInstalled(String program) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /**
     * How a program ended.
     *
     * @param output standard output and error together
     */
    public record Ended(int status, String output) {}

    /** Runs a program to its end, which must come within {@code seconds}. */
    public static Ended run(Path folder, int seconds, String... command) throws IOException {
        Path output = Files.createTempFile(folder, "output", ".txt");
        Process process = new ProcessBuilder(new ArrayList<>(List.of(command))).redirectErrorStream(true)
                .redirectOutput(output.toFile()).start();
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                throw new AssertionError(
                        command[0] + " did not end within " + seconds + " s: " + Files.readString(output));
            }
            return new Ended(process.exitValue(), Files.readString(output));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } finally {
            process.destroyForcibly();
        }
    }
}
