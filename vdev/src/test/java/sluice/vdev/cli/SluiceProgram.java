package sluice.vdev.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import sluice.vdev.fixture.Deadline;
import sluice.vdev.loopback.CProgram;

import static java.nio.charset.StandardCharsets.UTF_8;

/** {@code sluice} as a process of its own: through the launcher where a jar of these sources is built, else by class path. */
final class SluiceProgram implements AutoCloseable {
    private static final int LIMIT_SECONDS = 60;
    private static final List<String> MODULES = List.of("iommu", "dmacore", "vdev");

    private final Process process;
    private final Path output;
    private final Path errors;

    private SluiceProgram(Process process, Path output, Path errors) {
        this.process = process;
        this.output = output;
        this.errors = errors;
    }

    /** Starts {@code sluice} with these arguments; what it prints goes into files of {@code folder}. */
    static SluiceProgram start(Path folder, String... arguments) throws IOException {
        return start(folder, new ProcessBuilder(command(arguments)));
    }

    /**
     * The same in another environment, as if {@code launcher} had started it; the launcher itself could not run in any.
     *
     * @param environment variables and their values, in place of those there are
     */
    static SluiceProgram startIn(Path folder, Map<String, String> environment, Path launcher, String... arguments)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(byClassPath("-Dsluice.launcher=" + launcher, arguments));
        builder.environment().clear();
        builder.environment().putAll(environment);
        return start(folder, builder);
    }

    /** The same with a command of {@link #command}, whose environment the caller has set. */
    static SluiceProgram start(Path folder, ProcessBuilder builder) throws IOException {
        Path output = Files.createTempFile(folder, "output", ".txt");
        Path errors = Files.createTempFile(folder, "errors", ".txt");
        Process process = builder.redirectOutput(output.toFile()).redirectError(errors.toFile())
                .redirectInput(Path.of("/dev/null").toFile()).start();
        return new SluiceProgram(process, output, errors);
    }

    /** The command line that starts {@code sluice} with these arguments. */
    static List<String> command(String... arguments) throws IOException {
        Path root = CProgram.module().resolveSibling("");
        if (!isBuilt(root)) return byClassPath("-Dsluice.started=by.class.path", arguments);
        List<String> command = new ArrayList<>(List.of(root.resolve("sluice").toString()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** As the launcher does: with SIGUSR2 blocked, so that it can be read. */
    private static List<String> byClassPath(String property, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("env", "--block-signal=USR2", "_JAVA_SR_SIGNUM=50",
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(flag -> flag.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-Xmx" + heapMib(arguments) + "m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash", property, "-cp",
                System.getProperty("java.class.path"), Start.class.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** MiB of heap that the launcher gives to a process with these arguments. */
    static int heapMib(String... arguments) throws IOException {
        // The launcher's own function, and nothing else of it.
        List<String> command = new ArrayList<>(List.of("bash", "-euc",
                "eval \"$(sed -n '/^heap_mib()/,/^}/p' \"$0\")\"; heap_mib \"$@\"; echo \"$heap\"",
                CProgram.module().resolveSibling("sluice").toString()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        return Integer.parseInt(new String(process.getInputStream().readAllBytes(), UTF_8).strip());
    }

    /** Whether the launcher would start without building. */
    private static boolean isBuilt(Path root) throws IOException {
        Path jar = root.resolve("vdev/target/vdev-0.1.0-SNAPSHOT.jar");
        if (!Files.exists(jar)) {
            return false;
        }
        FileTime built = Files.getLastModifiedTime(jar);
        for (String module : MODULES) {
            Path folder = root.resolve(module);
            if (isNewer(root.resolve("pom.xml"), built) || isNewer(folder.resolve("pom.xml"), built)) return false;
            try (Stream<Path> sources = Files.walk(folder.resolve("src/main"))) {
                for (Path source : (Iterable<Path>) sources::iterator) {
                    if (isNewer(source, built)) return false;
                }
            }
        }
        return true;
    }

    private static boolean isNewer(Path source, FileTime built) throws IOException {
        return Files.getLastModifiedTime(source).compareTo(built) > 0;
    }

    /** Waits until a line of its output begins like this. */
    void awaitLine(String beginning) {
        Deadline.in(java.time.Duration.ofSeconds(LIMIT_SECONDS)).require(
                () -> output().lines().anyMatch(line -> line.startsWith(beginning)) || !process.isAlive(),
                "a line \"" + beginning + "\"");
        if (!process.isAlive()) {
            throw new AssertionError("it ended with " + process.exitValue() + ": " + errors());
        }
    }

    /** Waits until its output contains all of this, such as the hint after "listening on". */
    void awaitOutput(String... parts) {
        Deadline.in(java.time.Duration.ofSeconds(LIMIT_SECONDS)).require(() -> {
            String output = output();
            return Stream.of(parts).allMatch(output::contains) || !process.isAlive();
        }, List.of(parts) + " in its output");
        if (!process.isAlive()) {
            throw new AssertionError("it ended with " + process.exitValue() + ": " + errors());
        }
    }

    /** Waits for its end and returns its exit status. */
    int status() {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("it did not end within " + LIMIT_SECONDS + " s: " + output() + errors());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** SIGTERM. */
    void terminate() {
        process.destroy();
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        status();
    }

    long pid() {
        return process.pid();
    }

    String output() {
        return read(output);
    }

    String errors() {
        return read(errors);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
