package sluice.guest.verdict;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

import static java.nio.charset.StandardCharsets.UTF_8;

/** The programs of .ci, which stand outside of every module and are run from their sources: compiled once, called here. */
final class Verdicts {
    /** What a program ended with: its status, and the lines it has printed. */
    record Verdict(int status, List<String> lines) {
        String last() {
            return lines.getLast();
        }
    }

    private final Method run;

    /** Compiles all of .ci into this folder, and looks for a program: a class with {@code run}. */
    Verdicts(String program, Path folder) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<String> arguments = new ArrayList<>(List.of("-d", folder.toString()));
        try (DirectoryStream<Path> sources = Files.newDirectoryStream(checkout().resolve(".ci"), "*.java")) {
            sources.forEach(source -> arguments.add(source.toString()));
        }
        if (compiler.run(null, null, null, arguments.toArray(String[]::new)) != 0)
            throw new IOException("the sources in .ci do not compile");
        // Its classes are looked at until the JVM ends.
        Class<?> type = new URLClassLoader(new URL[]{ folder.toUri().toURL() }).loadClass(program);
        run = type.getDeclaredMethod("run", Path.class, Map.class, PrintStream.class, String[].class);
        run.setAccessible(true);
    }

    /** The folder in which Sluice is checked out. */
    static Path checkout() {
        Path here = Path.of("").toAbsolutePath();
        return Files.isRegularFile(here.resolve("sluice")) ? here : here.resolveSibling("");
    }

    /** Calls the program for the house in {@code root}. */
    Verdict of(Path root, Map<String, String> environment, String... arguments) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try {
            int status = (int) run.invoke(null, root, environment, new PrintStream(printed, true, UTF_8), arguments);
            return new Verdict(status, printed.toString(UTF_8).lines().toList());
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the judge cannot be called", e);
        }
    }

    /** Writes a file of a house, with its folders. */
    static void write(Path file, String text) {
        try {
            Files.createDirectories(file.getParent());
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
