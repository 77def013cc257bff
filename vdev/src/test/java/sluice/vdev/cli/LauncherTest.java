package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

    @Test
    void itStartsWhereProgramsInTheTemporaryFolderCannotBeExecuted(@TempDir Path folder) throws IOException {
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        Files.createDirectories(folder.resolve("checkout/vdev/target"));
        // Without a folder of its own Netty cannot load its library, which shows that the mount does what it should.
        try (SluiceProgram other = noexec(folder, temporary, folder.resolve("missing"))) {
            assertThat(other.status()).isNotZero();
            assertThat(other.errors()).contains("libnetty_transport_native");
        }
        try (SluiceProgram program = noexec(folder, temporary, folder.resolve("checkout"))) {
            program.awaitLine("listening on ");
        }
    }

    /** A GPU, started where {@code temporary} is a file system whose programs cannot be executed. */
    private static SluiceProgram noexec(Path folder, Path temporary, Path checkout) throws IOException {
        List<String> command = new ArrayList<>(List.of("unshare", "--mount"));
        boolean isRoot = (Integer) Files.getAttribute(folder, "unix:uid") == 0;
        if (!isRoot) command.add("--map-root-user");
        command.addAll(List.of("bash", "-euc", "mount -t tmpfs -o noexec none \"$TEMPORARY\"\n" + JAVA_MAIN,
                CProgram.module().resolveSibling("sluice").toString(), "gpu",
                "--socket-path=" + folder.resolve("socket")));
        ProcessBuilder builder = launched(command, checkout);
        builder.environment().put("TEMPORARY", temporary.toString());
        return SluiceProgram.start(folder, builder);
    }

    @Test
    void anyPathWorksInTheLocaleC(@TempDir Path folder) throws Exception {
        String name = "a, b \u00fc\u65e5.sock";
        // The shell makes the name from bytes: a JVM in the locale C, such as that of this test may be, cannot pass it on.
        String script = "name=$'a, b \\xc3\\xbc\\xe6\\x97\\xa5.sock'\n";
        Files.createDirectories(folder.resolve("checkout/vdev/target"));
        ProcessBuilder builder = launched(
                List.of("bash", "-euc", script + "set -- gpu --socket-path=\"$1/$name\"\n" + JAVA_MAIN,
                        CProgram.module().resolveSibling("sluice").toString(), folder.toString()),
                folder.resolve("checkout"));
        builder.environment().keySet().removeIf(variable -> variable.startsWith("LC_"));
        builder.environment().put("LANG", "C");
        try (SluiceProgram program = SluiceProgram.start(folder, builder)) {
            program.awaitOutput("listening on " + folder + "/" + name,
                    "'socket,id=vgpu,path=" + folder + "/a,, b \u00fc\u65e5.sock'");
            Process there = new ProcessBuilder("bash", "-euc", script + "[[ -S $0/$name ]]", folder.toString()).start();
            assertThat(there.waitFor()).isZero();
        }
    }

    /** The launcher's own function and flags, for the classes of this test instead of jars, which may not be built. */
    private static final String JAVA_MAIN = """
            eval "$(sed -n '/^LAUNCH_FLAGS=(/,/^)/p; /^heap_mib()/,/^}/p; /^java_main()/,/^}/p' "$0")"
            LAUNCH_FLAGS+=(${TEMPORARY:+-Djava.io.tmpdir="$TEMPORARY"})
            find_java() { java=$TEST_JAVA; }
            class_path() { classes=$TEST_CLASSES; }
            java_main vdev sluice.vdev.cli.Start "$@"
            """;

    private static ProcessBuilder launched(List<String> command, Path checkout) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("here", checkout.toString());
        builder.environment().put("TEST_JAVA", Path.of(System.getProperty("java.home"), "bin", "java").toString());
        builder.environment().put("TEST_CLASSES", System.getProperty("java.class.path"));
        return builder;
    }
}
