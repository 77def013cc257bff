package sluice.guest;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every Java example of every README compiles. What an example takes for granted, such as the guest's memory, is declared here,
 * and a line of dots stands for a reader's own code.
 */
class ReadmeExamplesTest {
    private static final List<String> READMES = List.of("README.md", "iommu/README.md", "dmacore/README.md",
            "vdev/README.md", "vdev/template/README.md", "guest-tests/README.md");
    private static final Pattern BLOCK = Pattern.compile("^```java\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern DOTS = Pattern.compile("^ *\\.\\.\\.$", Pattern.MULTILINE);
    private static final Pattern NAME = Pattern.compile("\\b[A-Z]\\w*\\b");
    private static final Pattern PACKAGE = Pattern.compile("^package ([\\w.]+);", Pattern.MULTILINE);

    /** What examples take for granted: a parameter each, by README and the number of the example in it. */
    private static final Map<String, String> GIVEN = Map.of(
            "iommu/README.md 1", "TargetRuns pages, TargetRuns runs",
            "dmacore/README.md 1", "FileMapping ram",
            "dmacore/README.md 3",
            "GuestMemoryView view, Iotlb.Questions questions, Runnable progress, IotlbStatistics statistics, long[] addressesAndLengths, Runs found, byte[] bytes",
            "dmacore/README.md 4", "FenceFindings findings, WaitGuard readSections",
            "dmacore/README.md 5", "Fd ram",
            "dmacore/README.md 6", "int TO_DEVICE, long from, long length, long bytes, long nanos",
            "guest-tests/README.md 2", "GuestKernel kernel, CacheFolder cache");
    /** Names that several packages have, where the example's own module does not decide. */
    private static final Map<String, String> MEANT = Map.of("Path", "java.nio.file.Path", "List", "java.util.List",
            "Map",
            "java.util.Map", "Duration", "java.time.Duration", "Matcher", "java.util.regex.Matcher", "MemorySegment",
            "java.lang.foreign.MemorySegment");

    /** What examples use of inside other classes. */
    private static final List<String> NESTED = List.of("static java.lang.foreign.ValueLayout.JAVA_BYTE",
            "static sluice.iommu.space.Outcome.RESOLVED", "sluice.dmacore.memory.GuestMemory.Addressing",
            "sluice.dmacore.linux.Udmabuf.Part");

    record Example(String readme, int number, String text) {
        @Override
        public String toString() {
            return readme + " " + number;
        }
    }

    static List<Example> examples() throws IOException {
        List<Example> examples = new ArrayList<>();
        for (String readme : READMES) {
            Matcher blocks = BLOCK.matcher(Files.readString(TemplateReadme.checkout().resolve(readme)));
            for (int number = 1; blocks.find(); number++) examples.add(new Example(readme, number, blocks.group(1)));
        }
        return examples;
    }

    /** Packages by the simple name of their classes, those of a module first. */
    private static Map<String, List<String>> classes(String module) throws IOException {
        Map<String, List<String>> classes = new TreeMap<>();
        for (String each : Stream.of(module, "iommu", "dmacore", "vdev", "guest-tests").distinct().toList()) {
            try (Stream<Path> files = Files.walk(TemplateReadme.checkout().resolve(each + "/src/main/java"))) {
                for (Path file : (Iterable<Path>) files.filter(path -> path.toString().endsWith(".java"))
                        .sorted()::iterator) {
                    Matcher found = PACKAGE.matcher(Files.readString(file));
                    String name = file.getFileName().toString().replace(".java", "");
                    if (found.find()) classes.computeIfAbsent(name, _ -> new ArrayList<>()).add(found.group(1));
                }
            }
        }
        return classes;
    }

    private static String source(Example example) throws IOException {
        String module = example.readme.contains("/")
                ? example.readme.substring(0, example.readme.indexOf('/'))
                : "vdev";
        Map<String, List<String>> classes = classes(module);
        String given = GIVEN.getOrDefault(example.toString(), "");
        TreeSet<String> imports = new TreeSet<>();
        Matcher names = NAME.matcher(given + "\n" + example.text);
        while (names.find()) {
            String name = names.group();
            if (MEANT.containsKey(name)) imports.add(MEANT.get(name));
            else if (classes.containsKey(name)) imports.add(classes.get(name).getFirst() + "." + name);
        }
        StringBuilder source = new StringBuilder();
        imports.forEach(name -> source.append("import ").append(name).append(";\n"));
        for (String more : NESTED) source.append("import ").append(more).append(";\n");
        return source.append("class Example {\n    void example(").append(given).append(") throws Exception {\n")
                .append(DOTS.matcher(example.text).replaceAll("")).append("\n    }\n}\n").toString();
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String text;

        Source(String text) {
            super(URI.create("string:///Example.java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }

    private static String errors(String source, Path folder) {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter told = new StringWriter();
        List<JavaFileObject> files = List.of(new Source(source));
        boolean good = compiler
                .getTask(told, null, null, List.of("-proc:none", "-nowarn", "-d", folder.toString(), "-cp",
                        System.getProperty("java.class.path")), null, files)
                .call();
        return good ? "" : told + source;
    }

    @ParameterizedTest
    @MethodSource("examples")
    void anExampleCompiles(Example example, @TempDir Path folder) throws IOException {
        assertThat(errors(source(example), folder)).isEmpty();
    }

    @Test
    void whatDoesNotCompileIsFound(@TempDir Path folder) throws IOException {
        Example wrong = new Example("vdev/README.md", 1, "new GpuProvider().noSuchMethod();");
        assertThat(errors(source(wrong), folder)).contains("noSuchMethod");
        assertThat(examples()).hasSizeGreaterThanOrEqualTo(11);
    }
}
