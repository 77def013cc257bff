package sluice.dmacore.linux;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Starts main classes of these tests in a JVM of the kind the tests run in. */
final class ChildJvm {
    private ChildJvm() {}

    /** How a child ended, with everything it printed. */
    record Result(int exitCode, String output) {
        /** What follows a key at the start of a line of the output. */
        String value(String key) {
            return output.lines().filter(line -> line.startsWith(key)).map(line -> line.substring(key.length()))
                    .findFirst().orElseThrow(() -> new AssertionError("No line \"" + key + "\" in: " + output));
        }
    }

    static List<String> command(List<String> prefix, List<String> jvmFlags, Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(prefix);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:-CreateCoredumpOnCrash", "-XX:+UseSerialGC",
                "-Xmx64m"));
        command.addAll(jvmFlags);
        command.addAll(List.of("-cp", location(Libc.class) + ":" + location(ChildJvm.class), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    static Result run(List<String> command, Path outputFile, Duration limit) throws IOException, InterruptedException {
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
