package sluice.dmacore.rows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The README of this module, and the row tables beside it. Tests run in the module's folder. */
final class Readme {
    private Readme() {}

    /** The lines of the file with the row tables. */
    static List<String> rows() throws IOException {
        return Files.readAllLines(Path.of("ROWS.md"));
    }

    /** The lines of the first block of code in a language. */
    static List<String> firstBlock(String language) throws IOException {
        List<String> lines = Files.readAllLines(Path.of("README.md"));
        int begin = lines.indexOf("```" + language);
        if (begin < 0) throw new AssertionError("no block of " + language + " in the README");
        List<String> after = lines.subList(begin + 1, lines.size());
        return after.subList(0, after.indexOf("```"));
    }
}
