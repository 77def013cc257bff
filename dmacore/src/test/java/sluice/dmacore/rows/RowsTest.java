package sluice.dmacore.rows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The tables of ROWS.md list, for each row, the tests that are tagged with it, or the reason why there is none. This test reads
 * sources, because the classes of the modules above are not on its class path.
 */
class RowsTest {
    private static final Pattern TAG = Pattern.compile("@Tag\\(\"([SDM]\\d+)\"\\)");
    private static final Pattern LINE = Pattern.compile("\\| ([SDM]\\d+) \\| ([^|]+) \\| ([^|]+) \\|");
    private static final Pattern TEST = Pattern.compile("`(\\w+Test)`");
    private static final List<String> FLOORS = List.of("../iommu", ".", "../vdev", "../guest-tests");
    private static final int SHORTEST_REASON = 20;

    /** A line of a table. */
    private record Row(String title, String cell) {
        Set<String> tests() {
            Set<String> names = new TreeSet<>();
            Matcher test = TEST.matcher(cell);
            while (test.find())
                names.add(test.group(1));
            return names;
        }

        boolean hasReason() {
            return cell.startsWith("none: ") && cell.length() > SHORTEST_REASON;
        }
    }

    private static final Map<String, Row> ROWS = new TreeMap<>();
    /** The test classes of each tag. */
    private static final Map<String, Set<String>> TAGGED = new TreeMap<>();

    @BeforeAll
    static void readTablesAndTests() throws IOException {
        for (String line : Readme.rows()) {
            Matcher row = LINE.matcher(line);
            if (!row.matches()) continue;
            Row former = ROWS.put(row.group(1), new Row(row.group(2), row.group(3).strip()));
            assertThat(former).as("%s is there once", row.group(1)).isNull();
        }
        for (String floor : FLOORS) readTags(Path.of(floor, "src/test/java"));
    }

    private static void readTags(Path sources) throws IOException {
        List<Path> files;
        try (Stream<Path> tree = Files.walk(sources)) {
            files = tree.filter(path -> path.toString().endsWith("Test.java")).toList();
        }
        assertThat(files).as("tests in %s", sources).isNotEmpty();
        for (Path file : files) {
            String name = file.getFileName().toString().replace(".java", "");
            Matcher tag = TAG.matcher(Files.readString(file));
            while (tag.find())
                TAGGED.computeIfAbsent(tag.group(1), _ -> new TreeSet<>()).add(name);
        }
    }

    private static List<String> numbered(String letter, int last) {
        return IntStream.rangeClosed(1, last).mapToObj(number -> letter + number).toList();
    }

    @Test
    void eachRowHasATestOrAReason() {
        List<String> all = new ArrayList<>(numbered("S", 45));
        all.addAll(numbered("D", 25));
        all.addAll(numbered("M", 38));
        assertThat(ROWS.keySet()).containsAll(all);
        for (String number : ROWS.keySet()) {
            Row row = ROWS.get(number);
            assertThat(row.tests().isEmpty()).as("%s has either tests or a reason: %s", number, row.cell())
                    .isEqualTo(row.hasReason());
        }
    }

    @Test
    void theTablesNameTheTestsThatAreTagged() {
        Set<String> numbers = new HashSet<>(ROWS.keySet());
        numbers.addAll(TAGGED.keySet());
        for (String number : numbers) {
            Row row = ROWS.getOrDefault(number, new Row("in no table", ""));
            assertThat(row.tests()).as("tests of %s, %s", number, row.title())
                    .isEqualTo(TAGGED.getOrDefault(number, Set.of()));
        }
    }
}
