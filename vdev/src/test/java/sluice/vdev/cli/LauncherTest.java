package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** The launcher of the checkout, a script, knows every command of the program that it starts. */
class LauncherTest {
    private static final Pattern WORDS = Pattern.compile("(?m)^  ([a-z0-9-]+(?: \\| [a-z0-9-]+)*)\\)");

    static Stream<String> commands() {
        return Main.commandLine().getSubcommands().entrySet().stream()
                .filter(command -> !command.getValue().getCommandSpec().usageMessage().hidden())
                .map(Map.Entry::getKey);
    }

    @ParameterizedTest
    @MethodSource("commands")
    void itStartsEveryCommandAndListsIt(String command) throws IOException {
        String script = Files.readString(CProgram.module().resolveSibling("sluice"));
        assertThat(WORDS.matcher(script).results().flatMap(line -> Stream.of(line.group(1).split(" \\| ", -1))))
                .contains(command);
    }
}
