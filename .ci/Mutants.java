import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * Judges runs of PIT, which mutates the classes of a package one change at a time and reports the mutants that no test
 * kills: {@code ./sluice test --mutants}. JDK 25 runs it from source. Its tests are {@code
 * sluice.guest.verdict.MutantsTest}.
 */
final class Mutants {
    /** Percentage of mutants that a package's tests must kill. */
    private static final int STRENGTH = 92;

    /** Prefix of a reason that names a litmus test: PIT cannot run it, but it detects the mutant. */
    private static final String LITMUS = "litmus: ";

    /**
     * The mutated packages, without the prefix {@code sluice.}, including sub-packages: those in which errors could
     * lose data silently. With the packages of the tests to run.
     */
    private static final Map<String, List<String>> AREAS = new TreeMap<>(Map.of("iommu", List.of("iommu"),
            "dmacore.allocation", List.of("dmacore.allocation", "dmacore.exporter"),
            "dmacore.buffer", List.of("dmacore.buffer", "dmacore.rows", "dmacore.device", "dmacore.model"),
            "dmacore.fence", List.of("dmacore.fence"),
            "dmacore.ownership", List.of("dmacore.ownership", "dmacore.model", "dmacore.buffer", "dmacore.rows"),
            "vdev.gpu", List.of("vdev.gpu"), "vdev.queue", List.of("vdev.queue"),
            "vdev.vhostuser", List.of("vdev.vhostuser")));

    /** The target of one PIT run: an area, or a package in it. */
    private record Target(String name, List<String> tests) {
        /** The line for the launcher: name, mutated classes, test classes. */
        String line() {
            return name + " " + glob(name) + " " + tests.stream().map(Target::glob).collect(Collectors.joining(","));
        }

        Path report() {
            return Path.of(name.split("\\.", 2)[0], "target", "mutants", name + ".xml");
        }

        private static String glob(String room) {
            return "sluice." + room + ".*";
        }
    }

    /** A mutant, as PIT names it, and whether it was killed. */
    private record Mutant(String type, String method, String line, String description, boolean noticed) {
        String room() {
            return type.substring(0, type.lastIndexOf('.'));
        }

        /** The part of its name independent of line numbers. Lambdas are renumbered by each change of their class. */
        String key() {
            return type + "#" + method.replaceFirst("^lambda\\$(.*)\\$\\d+$", "$1") + " | " + description;
        }
    }

    /** A line of .ci/survivors: how many of these mutants may survive in the method, and why. */
    private record Survivor(int bound, String reason) {
        static boolean isSeenByLitmus(Survivor survivor) {
            return survivor != null && survivor.reason.startsWith(LITMUS);
        }
    }

    private final Path root;
    private final PrintStream out;
    private final List<String> problems = new ArrayList<>();

    private Mutants(Path root, PrintStream out) {
        this.root = root;
        this.out = out;
    }

    /** The first argument is the root folder. Exits with 0 on success, 1 on failure, 2 on wrong usage. */
    public static void main(String[] arguments) throws IOException {
        String[] words = Arrays.copyOfRange(arguments, 1, arguments.length);
        System.exit(run(Path.of(arguments[0]), System.getenv(), System.out, words));
    }

    /** The same as a method: returns the status. */
    static int run(Path root, Map<String, String> environment, PrintStream out, String... words) throws IOException {
        boolean print = words.length > 0 && words[0].equals("--targets");
        List<Target> targets = new ArrayList<>();
        for (String word : words.length > (print ? 1 : 0) ? List.of(words).subList(print ? 1 : 0, words.length)
                : List.copyOf(AREAS.keySet())) {
            List<Target> those = targets(word);
            if (those.isEmpty()) {
                out.println("unknown package " + word + "; mutated are " + String.join(", ", AREAS.keySet()));
                return 2;
            }
            targets.addAll(those);
        }
        if (!print) return new Mutants(root, out).judge(targets);
        targets.forEach(target -> out.println(target.line()));
        return 0;
    }

    /** A word is a module or an area, including all packages, or a package in an area. */
    private static List<Target> targets(String word) {
        List<Target> targets = new ArrayList<>();
        AREAS.forEach((name, tests) -> {
            if (name.equals(word) || name.startsWith(word + "."))
                targets.add(new Target(name, tests));
            else
                if (word.startsWith(name + ".")) targets.add(new Target(word, tests));
        });
        return targets;
    }

    private int judge(List<Target> targets) throws IOException {
        List<Mutant> mutants = new ArrayList<>();
        for (Target target : targets) read(target.report(), mutants);
        Map<String, Survivor> listed = survivors();
        judgeStrength(mutants, listed);
        judgeSurvivors(mutants, listed);
        problems.forEach(out::println);
        long noticed = mutants.stream().filter(Mutant::noticed).count();
        out.printf("%d of %d mutants are killed%n", noticed, mutants.size());
        return problems.isEmpty() ? 0 : 1;
    }

    private void judgeStrength(List<Mutant> mutants, Map<String, Survivor> listed) {
        Map<String, List<Mutant>> rooms = mutants.stream()
                .collect(Collectors.groupingBy(Mutant::room, TreeMap::new, Collectors.toList()));
        rooms.forEach((room, those) -> {
            long noticed = those.stream()
                    .filter(mutant -> mutant.noticed || Survivor.isSeenByLitmus(listed.get(mutant.key()))).count();
            double strength = 100.0 * noticed / those.size();
            out.printf(Locale.ROOT, "%-28s %4d of %4d, %5.1f %%%n", room, noticed, those.size(), strength);
            if (strength < STRENGTH)
                problems.add("%s: less than %d %% of the mutants are killed".formatted(room, STRENGTH));
        });
    }

    /** Each survivor must be listed with a reason; a listed mutant that is killed in a complete run is reported. */
    private void judgeSurvivors(List<Mutant> mutants, Map<String, Survivor> listed) {
        Map<String, Integer> seen = new TreeMap<>();
        for (Mutant mutant : mutants) {
            int number = seen.merge(mutant.key(), mutant.noticed ? 0 : 1, Integer::sum);
            Survivor survivor = listed.get(mutant.key());
            if (!mutant.noticed && (survivor == null || number > survivor.bound))
                problems.add("survived, line %s: %s".formatted(mutant.line, mutant.key()));
        }
        seen.forEach((key, number) -> {
            Survivor survivor = listed.get(key);
            if (survivor != null && number < survivor.bound)
                out.printf("killed, but listed: %d of %d survive in this run: %s%n", number, survivor.bound, key);
        });
    }

    private Map<String, Survivor> survivors() throws IOException {
        Map<String, Survivor> survivors = new TreeMap<>();
        Path file = root.resolve(".ci/survivors");
        for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
            if (line.isBlank() || line.startsWith("#")) continue;
            String[] words = Arrays.stream(line.split("\\|", 4)).map(String::strip).toArray(String[]::new);
            if (words.length != 4 || !words[2].matches("\\d{1,3}") || words[3].isEmpty())
                problems.add(".ci/survivors: not \"class#method | mutation | how many | why\": " + line);
            else
                survivors.put(words[0] + " | " + words[1], new Survivor(Integer.parseInt(words[2]), words[3]));
        }
        return survivors;
    }

    private void read(Path file, List<Mutant> mutants) {
        int before = mutants.size();
        try (InputStream stream = Files.newInputStream(root.resolve(file))) {
            XMLStreamReader xml = XMLInputFactory.newDefaultFactory().createXMLStreamReader(stream);
            Map<String, String> values = new TreeMap<>();
            while (xml.hasNext()) {
                int event = xml.next();
                if (event == XMLStreamReader.END_ELEMENT && xml.getLocalName().equals("mutation")) {
                    mutants.add(new Mutant(values.get("mutatedClass"), values.get("mutatedMethod"),
                            values.get("lineNumber"), values.get("description"),
                            values.get("detected").equals("true")));
                } else if (event == XMLStreamReader.START_ELEMENT && xml.getLocalName().equals("mutation")) {
                    values.clear();
                    values.put("detected", xml.getAttributeValue(null, "detected"));
                } else
                    if (event == XMLStreamReader.START_ELEMENT
                            && List.of("mutatedClass", "mutatedMethod", "lineNumber", "description")
                                    .contains(xml.getLocalName())) {
                                        values.put(xml.getLocalName(), xml.getElementText());
                                    }
            }
        } catch (IOException | XMLStreamException e) {
            problems.add("%s cannot be read: %s".formatted(file, e.getMessage()));
            return;
        }
        if (mutants.size() == before) problems.add(file + " has no mutant");
    }
}
