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
 * Judges runs of PIT, which changes a module's classes by one small mistake at a time and looks which of them no test notices:
 * {@code ./sluice test --mutants}. JDK 25 runs it from its sources. Its own tests are {@code sluice.guest.verdict.MutantsTest}.
 */
final class Mutants {
    /** How many of a hundred mistakes a package's tests must notice. */
    private static final int STRENGTH = 92;

    /** The packages in which mistakes are made, sub-packages included: where data is lost in silence, if it is. */
    private static final Map<String, List<String>> PACKAGES = new TreeMap<>(Map.of("iommu", List.of("sluice.iommu"),
            "dmacore", List.of("sluice.dmacore.allocation", "sluice.dmacore.buffer", "sluice.dmacore.fence",
                    "sluice.dmacore.ownership"),
            "vdev", List.of("sluice.vdev.gpu", "sluice.vdev.queue", "sluice.vdev.vhostuser")));

    /** A mistake, as PIT names it, and whether it was noticed. */
    private record Mutant(String type, String method, String line, String description, boolean noticed) {
        String room() {
            return type.substring(0, type.lastIndexOf('.'));
        }

        /** What stays the same when lines move. Lambdas are numbered anew by each change of their class. */
        String key() {
            return type + "#" + method.replaceFirst("^lambda\\$(.*)\\$\\d+$", "$1") + " | " + description;
        }
    }

    /** A line of .ci/survivors: how often this may survive in the method, and why. */
    private record Survivor(int bound, String reason) {}

    private final Path root;
    private final PrintStream out;
    private final List<String> problems = new ArrayList<>();

    private Mutants(Path root, PrintStream out) {
        this.root = root;
        this.out = out;
    }

    /** The first argument is the folder of the house. Exits with 0 if all is well, 1 if something is wrong, 2 for wrong usage. */
    public static void main(String[] arguments) throws IOException {
        String[] words = Arrays.copyOfRange(arguments, 1, arguments.length);
        System.exit(run(Path.of(arguments[0]), System.getenv(), System.out, words));
    }

    /** The same as a call: returns the status. */
    static int run(Path root, Map<String, String> environment, PrintStream out, String... words) throws IOException {
        boolean targets = words.length > 0 && words[0].equals("--targets");
        List<String> modules = List.of(words).subList(targets ? 1 : 0, words.length);
        if (!PACKAGES.keySet().containsAll(modules)) {
            out.println("mistakes are made in " + String.join(", ", PACKAGES.keySet()) + ", not in "
                    + String.join(", ", modules));
            return 2;
        }
        if (modules.isEmpty()) modules = List.copyOf(PACKAGES.keySet());
        if (!targets) return new Mutants(root, out).judge(modules);
        for (String module : modules) {
            out.println(module + " " + PACKAGES.get(module).stream().map(name -> name + ".*")
                    .collect(Collectors.joining(",")));
        }
        return 0;
    }

    private int judge(List<String> modules) throws IOException {
        List<Mutant> mutants = new ArrayList<>();
        for (String module : modules) read(root.resolve(module).resolve("target/pit-reports/mutations.xml"), mutants);
        judgeStrength(mutants);
        judgeSurvivors(mutants);
        problems.forEach(out::println);
        long noticed = mutants.stream().filter(Mutant::noticed).count();
        out.printf("%d of %d mistakes are noticed%n", noticed, mutants.size());
        return problems.isEmpty() ? 0 : 1;
    }

    private void judgeStrength(List<Mutant> mutants) {
        Map<String, List<Mutant>> rooms = mutants.stream()
                .collect(Collectors.groupingBy(Mutant::room, TreeMap::new, Collectors.toList()));
        rooms.forEach((room, those) -> {
            long noticed = those.stream().filter(Mutant::noticed).count();
            double strength = 100.0 * noticed / those.size();
            out.printf(Locale.ROOT, "%-28s %4d of %4d, %5.1f %%%n", room, noticed, those.size(), strength);
            if (strength < STRENGTH)
                problems.add("%s: less than %d %% of the mistakes are noticed".formatted(room, STRENGTH));
        });
    }

    /** Who survives is listed with a reason; a listed one that is noticed in a run of all mistakes is told of. */
    private void judgeSurvivors(List<Mutant> mutants) throws IOException {
        Map<String, Survivor> listed = survivors();
        Map<String, Integer> seen = new TreeMap<>();
        for (Mutant mutant : mutants) {
            int number = seen.merge(mutant.key(), mutant.noticed ? 0 : 1, Integer::sum);
            Survivor survivor = listed.get(mutant.key());
            if (!mutant.noticed && (survivor == null || number > survivor.bound))
                problems.add("not noticed, line %s: %s".formatted(mutant.line, mutant.key()));
        }
        seen.forEach((key, number) -> {
            Survivor survivor = listed.get(key);
            if (survivor != null && number < survivor.bound)
                out.printf("noticed by now, %d of %d in this run are left: %s%n", number, survivor.bound, key);
        });
    }

    private Map<String, Survivor> survivors() throws IOException {
        Map<String, Survivor> survivors = new TreeMap<>();
        Path file = root.resolve(".ci/survivors");
        for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
            if (line.isBlank() || line.startsWith("#")) continue;
            String[] words = Arrays.stream(line.split("\\|", 4)).map(String::strip).toArray(String[]::new);
            if (words.length != 4 || !words[2].matches("\\d{1,3}") || words[3].isEmpty())
                problems.add(".ci/survivors: not \"class#method | mistake | how many | why\": " + line);
            else
                survivors.put(words[0] + " | " + words[1], new Survivor(Integer.parseInt(words[2]), words[3]));
        }
        return survivors;
    }

    private void read(Path file, List<Mutant> mutants) throws IOException {
        int before = mutants.size();
        try (InputStream stream = Files.newInputStream(file)) {
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
            problems.add("%s cannot be read: %s".formatted(root.relativize(file), e.getMessage()));
            return;
        }
        if (mutants.size() == before) problems.add(root.relativize(file) + " tells of no mistake");
    }
}
