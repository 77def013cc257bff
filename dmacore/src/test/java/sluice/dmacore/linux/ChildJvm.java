package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts main classes of these tests in a JVM of the kind the tests run in. */
public final class ChildJvm {
    private ChildJvm() {}

    /** How a child ended, with everything it printed. */
    public record Result(int exitCode, String output) {
        /** What follows a key at the start of a line of the output. */
        public String value(String key) {
            return output.lines().filter(line -> line.startsWith(key)).map(line -> line.substring(key.length()))
                    .findFirst().orElseThrow(() -> new AssertionError("No line \"" + key + "\" in: " + output));
        }
    }

    /** A command line with the classes of this module and no others. */
    static List<String> command(List<String> prefix, List<String> jvmFlags, Class<?> main, String... arguments) {
        return command(prefix, jvmFlags, location(Libc.class) + ":" + location(ChildJvm.class), main, arguments);
    }

    /** A command line with everything that these tests see, and the flags of a Sluice JVM. */
    public static List<String> commandWithLibraries(List<String> prefix, Class<?> main, String... arguments) {
        List<String> flags = ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> flag.startsWith("--")).toList();
        return command(prefix, flags, System.getProperty("java.class.path"), main, arguments);
    }

    private static List<String> command(List<String> prefix, List<String> jvmFlags, String classPath, Class<?> main,
            String... arguments) {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:-CreateCoredumpOnCrash", "-XX:+UseSerialGC",
                "-Xmx64m"));
        command.addAll(jvmFlags);
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    public static Result run(List<String> command, Path outputFile, Duration limit)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(outputFile.toFile())
                .start();
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError(
                        "The child JVM did not end within " + limit + ": " + Files.readString(outputFile));
            }
        } finally {
            process.destroyForcibly();
        }
        return new Result(process.exitValue(), Files.readString(outputFile));
    }

    private static String location(Class<?> type) {
        try {
            return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
