package sluice.guest;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
 * Every Java example of every README, and of the files beside it, compiles, and every link leads to a file. Variables that an
 * example expects, such as the guest's memory, are declared here; a line of dots stands for the reader's own code.
 */
class ReadmeExamplesTest {
    private static final List<String> FOLDERS = List.of("", "iommu/", "dmacore/", "vdev/", "vdev/template/",
            "guest-tests/",
            "guest-tests/bench/");
    private static final Pattern BLOCK = Pattern.compile("^```java\n(.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]*)(?:#([^)]*))?\\)");
    private static final Pattern HEADING = Pattern.compile("^#+ (.*)$", Pattern.MULTILINE);
    private static final Pattern DOTS = Pattern.compile("^ *\\.\\.\\.$", Pattern.MULTILINE);
    private static final Pattern NAME = Pattern.compile("\\b[A-Z]\\w*\\b");
    private static final Pattern PACKAGE = Pattern.compile("^package ([\\w.]+);", Pattern.MULTILINE);

    /** Variables that examples expect, as parameters: by file and the number of the example in it. */
    private static final Map<String, String> GIVEN = Map.of(
            "iommu/README.md 1", "TargetRuns pages, TargetRuns runs",
            "dmacore/README.md 1", "FileMapping ram",
            "dmacore/MEMORY.md 2",
            "GuestMemoryView view, Iotlb.Questions questions, Runnable progress, IotlbStatistics statistics, long[] addressesAndLengths, Runs found, byte[] bytes",
            "dmacore/BUFFERS.md 1", "FenceFindings findings, WaitGuard readSections",
            "dmacore/BUFFERS.md 2", "Fd ram",
            "dmacore/RECORDING.md 1", "int TO_DEVICE, long from, long length, long bytes, long nanos",
            "guest-tests/IMPORTERS.md 1", "GuestKernel kernel, CacheFolder cache",
            "guest-tests/MODULES.md 1", "QemuBinary qemu, CacheFolder cache");
    /** Names that several packages have, where the example's own module does not decide. */
    private static final Map<String, String> MEANT = Map.of("Path", "java.nio.file.Path", "Test",
            "org.junit.jupiter.api.Test", "List", "java.util.List",
            "Map",
            "java.util.Map", "Duration", "java.time.Duration", "Matcher", "java.util.regex.Matcher", "MemorySegment",
            "java.lang.foreign.MemorySegment");

    /** Nested classes and constants that examples use. */
    private static final List<String> NESTED = List.of("static java.lang.foreign.ValueLayout.JAVA_BYTE",
            "static sluice.iommu.space.Outcome.RESOLVED", "static org.assertj.core.api.Assertions.assertThat",
            "sluice.dmacore.memory.GuestMemory.Addressing",
            "sluice.dmacore.linux.Udmabuf.Part");

    record Example(String file, int number, String text) {
        @Override
        public String toString() {
            return file + " " + number;
        }
    }

    /** Each README and the files beside it, by their paths in the checkout. */
    static List<String> files() throws IOException {
        List<String> files = new ArrayList<>();
        for (String folder : FOLDERS) {
            try (Stream<Path> all = Files.list(TemplateReadme.checkout().resolve(folder))) {
                all.map(path -> path.getFileName().toString()).filter(name -> name.endsWith(".md")).sorted()
                        .forEach(name -> files.add(folder + name));
            }
        }
        return files;
    }

    static List<Example> examples() throws IOException {
        List<Example> examples = new ArrayList<>();
        for (String file : files()) {
            Matcher blocks = BLOCK.matcher(Files.readString(TemplateReadme.checkout().resolve(file)));
            for (int number = 1; blocks.find(); number++) examples.add(new Example(file, number, blocks.group(1)));
        }
        return examples;
    }

    /** Packages by the simple name of their classes, those of a module first. */
    private static Map<String, List<String>> classes(String module) throws IOException {
        Map<String, List<String>> classes = new TreeMap<>();
        List<String> sources = new ArrayList<>();
        for (String each : Stream.of(module, "iommu", "dmacore", "vdev", "guest-tests").distinct().toList()) {
            sources.add(each + "/src/main/java");
        }
        // Published in a test jar.
        sources.add("guest-tests/src/test/java/sluice/guest/junit");
        for (String folder : sources) {
            try (Stream<Path> files = Files.walk(TemplateReadme.checkout().resolve(folder))) {
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
        String module = example.file.contains("/")
                ? example.file.substring(0, example.file.indexOf('/'))
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

    @ParameterizedTest
    @MethodSource("files")
    void everyLinkLeadsSomewhere(String file) throws IOException {
        Path from = TemplateReadme.checkout().resolve(file);
        Matcher links = LINK.matcher(Files.readString(from));
        while (links.find()) {
            Path to = links.group(1).isEmpty() ? from : from.resolveSibling(links.group(1));
            assertThat(to).as("%s: %s", file, links.group()).exists();
            if (links.group(2) == null) continue;
            List<String> anchors = HEADING.matcher(Files.readString(to)).results()
                    .map(heading -> heading.group(1).toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 -]", "")
                            .replace(' ', '-'))
                    .toList();
            assertThat(anchors).as("%s: %s", file, links.group()).contains(links.group(2));
        }
    }

    @Test
    void whatDoesNotCompileIsFound(@TempDir Path folder) throws IOException {
        Example wrong = new Example("vdev/README.md", 1, "new GpuProvider().noSuchMethod();");
        assertThat(errors(source(wrong), folder)).contains("noSuchMethod");
        assertThat(examples()).hasSizeGreaterThanOrEqualTo(11);
    }
}
