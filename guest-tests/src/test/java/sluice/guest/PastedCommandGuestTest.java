package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
                        Arguments.of("input", TestQemu.QEMU_11, "--kind=tablet"),
                        Arguments.of("codec", TestQemu.QEMU_11, "--test-coding --transport=vfio-user"),
                        Arguments.of("codec", TestQemu.QEMU_11, "--test-coding --virtio-id=31")));
    }

    /** QEMUs that attach no codec, and what is said instead of a command, or before one for another QEMU. */
    static List<Arguments> refusals() {
        List<Arguments> all = new ArrayList<>();
        for (TestQemu old : List.of(TestQemu.QEMU_7, TestQemu.QEMU_10)) {
            all.add(Arguments.of(old, "--transport=vfio-user",
                    "attach it to QEMU 10\\.1 or later \\(QEMU .* on this host "
                            + "ha(s|ve) no vfio-user-pci\\) with: .*"));
            all.add(Arguments.of(old, "--virtio-id=31", "attach it to QEMU 11 or later \\(QEMU .* on this host "
                    + "ha(s|ve) no vhost-user-test-device-pci\\) with: .*"));
            all.add(Arguments.of(old, "--virtio-id=48", "no QEMU here attaches it over vhost-user: .* start it with "
                    + "--transport=vfio-user, for QEMU 10\\.1 or later, or with --virtio-id=31 .*"));
        }
        all.add(Arguments.of(TestQemu.QEMU_11, "--virtio-id=48",
                "no QEMU here attaches it over vhost-user: .* start it "
                        + "with --transport=vfio-user, which QEMU 11\\..* of this host attaches, or with --virtio-id=31 .*"));
        return Configurations.of(List.of(), all);
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("refusals")
    void aQemuThatAttachesNoCodecIsSaidToDoSo(TestQemu qemu, String option, String said) throws Exception {
        Process sluice = start("codec", qemu, "--test-coding " + option, folder.resolve("errors"),
                Map.of("SLUICE_CACHE", Files.createDirectory(folder.resolve("no-other-qemus")).toString()));
        try (BufferedReader lines = sluice.inputReader(StandardCharsets.UTF_8)) {
            assertThat(lines.readLine()).startsWith("listening on ");
            assertThat(lines.readLine()).matches(said);
        } finally {
            sluice.destroy();
            assertThat(sluice.waitFor(1, TimeUnit.MINUTES)).isTrue();
        }
    }

    /** Why no command is printed: when this QEMU does not abort any more, there is one. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("aborting")
    void qemuAbortsOnTheIdOfMediaDevices(TestQemu qemu) throws Exception {
        Process machine = new ProcessBuilder(qemu.binary().path().toString(), "-display", "none", "-S", "-chardev",
                "null,id=vdev", "-device", "vhost-user-test-device-pci,chardev=vdev,virtio-id=48")
                .redirectErrorStream(true).start();
        try (BufferedReader said = machine.inputReader(StandardCharsets.UTF_8)) {
            assertThat(said.lines()).anyMatch(line -> line.contains("virtio_id_to_name: Assertion"));
            assertThat(machine.waitFor(1, TimeUnit.MINUTES)).isTrue();
        } finally {
            machine.destroyForcibly();
        }
    }

    static List<TestQemu> aborting() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    private Process start(String device, TestQemu qemu, String options, Path errors, Map<String, String> environment)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(TestGpus.deviceCommand(device));
        command.addAll(List.of(options.split(" ", -1)));
        command.add("--socket-path=" + folder.resolve("it's a, socket"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
        builder.environment().put("SLUICE_QEMU", qemu.binary().path().toString());
        builder.environment().putAll(environment);
        return builder.start();
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("commands")
    void itRuns(String device, TestQemu qemu, String option) throws Exception {
        Path errors = folder.resolve("errors");
        Process sluice = start(device, qemu, option, errors, Map.of());
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
