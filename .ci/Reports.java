import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * The content of surefire's reports of a run.
 *
 * @param tests its tests with their results
 * @param seconds the wall time of each class, by its name
 * @param wrong errors, as sentences: reports that are unreadable or inconsistent
 */
record Reports(List<Test> tests, Map<String, Double> seconds, List<String> wrong) {

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
     * Reads MODULE/target/FOLDER of each module, which may be in another.
     *
     * @param root the root folder
     */
    static Reports read(Path root, String folder) throws IOException {
        Reports reports = new Reports(new ArrayList<>(), new TreeMap<>(), new ArrayList<>());
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
                    seconds.merge(attribute(xml, "name"), number(xml, "time"), Double::sum);
                } else if (xml.getLocalName().equals("testcase")) {
                    Test test = readTest(module, xml);
                    tests.add(test);
                    if (test.is(State.FAILED)) failed++;
                }
            }
            if (failed < claimed)
                wrong.add("%s counts %d failed tests and names %d".formatted(file.getFileName(), claimed, failed));
        } catch (XMLStreamException | NumberFormatException e) {
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

    /** Surefire writes a thousand seconds and more as 1,234.5. */
    private static double number(XMLStreamReader xml, String name) {
        String value = attribute(xml, name).replace(",", "");
        return value.isEmpty() ? 0 : Double.parseDouble(value);
    }
}
