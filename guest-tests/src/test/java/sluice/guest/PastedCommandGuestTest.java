package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The command for QEMU that a device prints, given to a shell as it is, runs a machine that has the device and no second screen. */
@Tag("guest")
@Tag("matrix")
@Timeout(120)
class PastedCommandGuestTest {
    private static final String WITH = " with: ";

    @TempDir
    private Path folder;

    static List<Arguments> commands() {
        return Configurations.of(List.of(),
                List.of(Arguments.of("gpu", TestQemu.QEMU_10, "--outputs=1"),
                        Arguments.of("gpu", TestQemu.QEMU_11, "--transport=vfio-user"),
                        Arguments.of("grabber", TestQemu.QEMU_11, "--fps=30"),
                        Arguments.of("input", TestQemu.QEMU_11, "--kind=tablet")));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("commands")
    void itRuns(String device, TestQemu qemu, String option) throws Exception {
        Path errors = folder.resolve("errors");
        List<String> command = new ArrayList<>(TestGpus.deviceCommand(device));
        command.addAll(List.of(option, "--socket-path=" + folder.resolve("it's a, socket")));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().put("SLUICE_QEMU", qemu.binary().path().toString());
        Process sluice = builder.start();
        try (BufferedReader said = sluice.inputReader(StandardCharsets.UTF_8)) {
            assertThat(said.readLine()).startsWith("listening on ");
            String hint = Objects.requireNonNull(said.readLine());
            assertThat(hint).startsWith("attach it to QEMU ").contains(WITH);
            String machine = ran(hint.substring(hint.indexOf(WITH) + WITH.length()), qemu);
            assertThat(machine).contains("\"status\": \"running\"").doesNotContain("requires display");
            assertThat(Files.readString(errors)).contains("a front-end has connected");
            if (device.equals("gpu")) assertThat(hint).contains("-vga none").contains("-display ");
        } finally {
            sluice.destroy();
            assertThat(sluice.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }
    }

    /** What QEMU says of itself until it is told to quit. */
    private static String ran(String command, TestQemu qemu) throws IOException, InterruptedException {
        // The user of a GPU that is not the only screen may choose another display; a test has none.
        String display = command.contains("-display ") ? "" : " -display none";
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", "exec " + command + display + " -qmp stdio");
        Path folder = Objects.requireNonNull(qemu.binary().path().toAbsolutePath().getParent());
        builder.environment().merge("PATH", folder.toString(), (old, first) -> first + ":" + old);
        Process machine = builder.redirectErrorStream(true).start();
        try (BufferedReader answers = new BufferedReader(
                new InputStreamReader(machine.getInputStream(), StandardCharsets.UTF_8))) {
            StringBuilder all = new StringBuilder();
            for (String execute : List.of("qmp_capabilities", "query-status", "quit"))
                machine.getOutputStream()
                        .write("{\"execute\":\"%s\"}%n".formatted(execute).getBytes(StandardCharsets.UTF_8));
            machine.getOutputStream().flush();
            for (String line = answers.readLine(); line != null; line = answers.readLine())
                all.append(line).append('\n');
            assertThat(machine.waitFor()).as("%s%n%s", command, all).isZero();
            return all.toString();
        } finally {
            machine.destroyForcibly();
        }
    }
}
