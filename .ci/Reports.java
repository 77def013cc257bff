import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;

import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * The content of surefire's reports of a run.
 *
 * @param tests its tests with their results
 * @param times when each class ran
 * @param wrong errors, as sentences: reports that are unreadable or inconsistent
 */
record Reports(List<Test> tests, List<Time> times, List<String> wrong) {

    enum State {
        PASSED,
        FAILED,
        SKIPPED
    }

    /**
     * A reported test.
     *
     * @param module the folder of its Maven module
     * @param type its class, {@code Outer$Nested} for a nested one
     * @param name its method, and its parameters if it has some
     * @param said reason of a skip, or the exception's message
     */
    record Test(String module, String type, String name, State state, String said) {
        String id() {
            return type + "#" + name;
        }

        /** Class and method without parameters, as in the lists of tests. */
        String method() {
            return type + "#" + name.replaceFirst("[({\\[].*", "");
        }

        /** The outermost class, which can be run by itself. */
        String suite() {
            return type.replaceFirst("[$].*", "");
        }

        boolean is(State other) {
            return state == other;
        }
    }

    /**
     * When a class ran.
     *
     * @param type its name
     * @param start in seconds since 1970, or negative if its report does not tell
     * @param seconds how long
     */
    record Time(String type, double start, double seconds) {
        double end() {
            return start + seconds;
        }
    }

    /**
     * Seconds that each class took of the run, by its name: of a second in which two ran, each took half. A class whose report does not
     * tell when it ran took all of its time.
     */
    Map<String, Double> taken() {
        Map<String, Double> taken = new TreeMap<>();
        for (Time time : times) if (time.start < 0) taken.merge(time.type, time.seconds, Double::sum);
        List<Time> known = times.stream().filter(time -> time.start >= 0).toList();
        double[] moments = known.stream().flatMapToDouble(time -> DoubleStream.of(time.start, time.end())).sorted()
                .distinct().toArray();
        for (int i = 1; i < moments.length; i++) {
            double from = moments[i - 1];
            double to = moments[i];
            List<Time> running = known.stream().filter(time -> time.start <= from && time.end() >= to).toList();
            for (Time time : running) taken.merge(time.type, (to - from) / running.size(), Double::sum);
        }
        return taken;
    }

    /**
     * Reads MODULE/target/FOLDER of each module, which may be in another.
     *
     * @param root the root folder
     */
    static Reports read(Path root, String folder) throws IOException {
        Reports reports = new Reports(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Path module : folders(root)) {
            reports.addModule(root, module, folder);
            for (Path inner : folders(module)) reports.addModule(root, inner, folder);
        }
        return reports;
    }

    private static List<Path> folders(Path parent) throws IOException {
        List<Path> folders = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, Files::isDirectory)) {
            found.forEach(folders::add);
        }
        return folders;
    }

    private void addModule(Path root, Path module, String folder) throws IOException {
        Path reported = module.resolve("target").resolve(folder);
        if (!Files.isDirectory(reported)) return;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(reported, "TEST-*.xml")) {
            for (Path file : files) add(root.relativize(module).toString(), file);
        }
    }

    private void add(String module, Path file) throws IOException {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        int claimed = 0;
        int failed = 0;
        try (InputStream stream = Files.newInputStream(file)) {
            XMLStreamReader xml = factory.createXMLStreamReader(stream);
            while (xml.hasNext()) {
                if (xml.next() != XMLStreamReader.START_ELEMENT) continue;
                if (xml.getLocalName().equals("testsuite")) {
                    claimed += (int) (number(xml, "failures") + number(xml, "errors"));
                    times.add(new Time(attribute(xml, "name"), start(xml), number(xml, "time")));
                } else if (xml.getLocalName().equals("testcase")) {
                    Test test = readTest(module, xml);
                    tests.add(test);
                    if (test.is(State.FAILED)) failed++;
                }
            }
            if (failed < claimed)
                wrong.add("%s counts %d failed tests and names %d".formatted(file.getFileName(), claimed, failed));
        } catch (XMLStreamException | NumberFormatException | DateTimeException e) {
            wrong.add("the report %s cannot be read: %s".formatted(file.getFileName(),
                    String.valueOf(e.getMessage()).replace('\n', ' ')));
        }
    }

    /** Reads to the end of a test. A test that passed only in surefire's own rerun counts as failed: see .ci/judge. */
    private static Test readTest(String module, XMLStreamReader xml) throws XMLStreamException {
        String type = attribute(xml, "classname");
        String name = attribute(xml, "name");
        State state = State.PASSED;
        String said = "";
        boolean says = false;
        for (int depth = 1; depth > 0;) {
            int event = xml.next();
            if (event == XMLStreamReader.END_ELEMENT) {
                depth--;
                says = false;
            }
            // Surefire writes the message into an attribute, or with the stack trace as text.
            if (says && xml.isCharacters()) said += xml.getText();
            if (event != XMLStreamReader.START_ELEMENT) continue;
            depth++;
            State told = switch (xml.getLocalName()) {
                case "failure", "error", "rerunFailure", "rerunError", "flakyFailure", "flakyError" -> State.FAILED;
                case "skipped" -> State.SKIPPED;
                default -> State.PASSED;
            };
            if (told == State.PASSED || state == State.FAILED) continue;
            state = told;
            said = attribute(xml, "message");
            says = true;
        }
        return new Test(module, type, name, state, said);
    }

    private static String attribute(XMLStreamReader xml, String name) {
        String value = xml.getAttributeValue(null, name);
        return value == null ? "" : value;
    }

    private static double start(XMLStreamReader xml) {
        String value = attribute(xml, "timestamp");
        return value.isEmpty() ? -1 : Instant.parse(value).toEpochMilli() / 1e3;
    }

    /** Surefire writes a thousand seconds and more as 1,234.5. */
    private static double number(XMLStreamReader xml, String name) {
        String value = attribute(xml, name).replace(",", "");
        return value.isEmpty() ? 0 : Double.parseDouble(value);
    }
}
