package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The template builds outside of the house, so it repeats what the house's parent says; the two must not part. */
class TemplateTest {
    private static final Path TEMPLATE = TemplateReadme.checkout().resolve("vdev/template");

    private static String pom(Path folder) throws IOException {
        return Files.readString(folder.resolve("pom.xml"));
    }

    private static String first(String expression, String text) {
        Matcher matcher = Pattern.compile(expression, Pattern.DOTALL).matcher(text);
        assertThat(matcher.find()).as(expression).isTrue();
        return matcher.group(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "jspecify.version", "slf4j.version", "junit.version", "assertj.version",
            "maven.compiler.release", "sluice.jvm.flags" })
    void propertiesAreThoseOfTheParent(String name) throws IOException {
        String element = "<" + Pattern.quote(name) + ">([^<]+)<";
        assertThat(first(element, pom(TEMPLATE))).isEqualTo(first(element, pom(TemplateReadme.checkout())));
    }

    @ParameterizedTest
    @ValueSource(strings = { "toolchains", "resources", "compiler", "surefire", "jar" })
    void pluginsAreThoseOfTheParent(String name) throws IOException {
        String element = "<artifactId>maven-" + name + "-plugin</artifactId>\\s*<version>([^<]+)<";
        assertThat(first(element, pom(TEMPLATE))).isEqualTo(first(element, pom(TemplateReadme.checkout())));
    }

    @Test
    void itIsBuiltAgainstThisVersion() throws IOException {
        assertThat(first("<sluice.version>([^<]+)<", pom(TEMPLATE)))
                .isEqualTo(first("<artifactId>sluice-parent</artifactId>\\s*<version>([^<]+)<",
                        pom(TemplateReadme.checkout())));
    }

    @Test
    void theReadmeHasItsStepsOfCommands() throws IOException {
        List<String> steps = TemplateReadme.read().commands();
        assertThat(steps).hasSize(5);
        assertThat(steps.get(0)).contains("cp -r vdev/template ~/copy-engine", "mvn -q package");
        assertThat(steps.get(1)).contains("--device=copy-engine,socket-path=/tmp/copy-engine.sock");
        assertThat(steps.get(2)).contains("qemu-system-x86_64", "vfio-user-pci");
        assertThat(steps.get(3)).contains("--device=entropy,socket-path=/tmp/entropy.sock");
        assertThat(steps.get(4)).contains("qemu-system-x86_64", "vhost-user-rng-pci");
    }
}
