package sluice.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class ConfigurationsTest {
    /** A suite without the tag would never boot its other configurations; one without other configurations has none to boot. */
    @Test
    void suitesWithOtherConfigurationsAreThoseOfTheMatrix() throws Exception {
        Path sources = TemplateReadme.checkout().resolve("guest-tests/src/test/java");
        List<Path> chosen;
        List<Path> tagged;
        try (Stream<Path> files = Files.walk(sources)) {
            List<Path> suites = files.filter(file -> file.toString().endsWith("GuestTest.java")).toList();
            chosen = suites.stream().filter(suite -> contains(suite, " Configurations.of(")).toList();
            tagged = suites.stream().filter(suite -> contains(suite, "@Tag(\"matrix\")")).toList();
        }
        assertThat(chosen).hasSizeGreaterThan(5).isEqualTo(tagged);
    }

    private static boolean contains(Path file, String text) {
        try {
            return Files.readString(file).contains(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aRunHasOneHalfOfThem() {
        assertThat(Configurations.of(List.of("one"), List.of("two", "three")))
                .isEqualTo(Boolean.getBoolean("sluice.matrix") ? List.of("two", "three") : List.of("one"));
    }
}
