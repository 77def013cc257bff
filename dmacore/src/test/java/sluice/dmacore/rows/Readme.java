package sluice.dmacore.rows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The README of this floor; its tests run in the folder that it lies in. */
final class Readme {
    private Readme() {}

    static List<String> lines() throws IOException {
        return Files.readAllLines(Path.of("README.md"));
    }

    /** The lines of the first block of code in a language. */
    static List<String> firstBlock(String language) throws IOException {
        List<String> lines = lines();
        int begin = lines.indexOf("```" + language);
        if (begin < 0) throw new AssertionError("no block of " + language + " in the README");
        List<String> after = lines.subList(begin + 1, lines.size());
        return after.subList(0, after.indexOf("```"));
    }
}
