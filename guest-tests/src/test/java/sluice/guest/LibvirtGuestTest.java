package sluice.guest;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.cli.Start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * libvirt starts the GPU for a VM, as its own user or that of a session, without capabilities, and its daemon is started again meanwhile. The daemons are
 * those of the host, started by hand in a mount namespace of their own, without systemd.
 */
@Tag("guest")
@Tag("matrix")
class LibvirtGuestTest {
    private static final Path SCRIPT = Path.of("host/libvirt-session.sh");

    /** The libvirt of the system, or that of a user's session, who has all in a home. */
    enum Mode {
        SYSTEM("libvirt-qemu"),
        SESSION("sluice-session");

        private final String user;

        Mode(String user) {
            this.user = user;
        }
    }

    static List<Mode> modes() {
        return Configurations.of(List.of(), List.of(Mode.values()));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("modes")
    @Timeout(600)
    void aVmLivesThroughTheRestartOfTheDaemon(Mode mode, @TempDir Path folder) throws Exception {
        assumeTrue((Integer) Files.getAttribute(folder, "unix:uid") == 0, "only root mounts file systems");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path program = program(folder);
        Process session = new ProcessBuilder("unshare", "--mount", "bash", SCRIPT.toAbsolutePath().toString(),
                program.toString(), TestQemu.QEMU_10.binary().path().toString(), folder.toString(),
                mode.name().toLowerCase(Locale.ROOT))
                .redirectErrorStream(true).start();
        String output = new String(session.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = session.waitFor();
        assertThat(output)
                .as("the log: %s", Files.exists(folder.resolve("log"))
                        ? Files.readString(folder.resolve("log"))
                        : "none")
                .doesNotContain("not ok").contains("ok - the VM has survived it", "ok - undefine")
                .contains("gpu 0000000000000000 " + mode.user);
        assertThat(status).isZero();
        assertThat(Files.readString(folder.resolve("log"))).contains("a front-end has connected", "2D commands only")
                .doesNotContain("\tat ");
        assertThat(folder.resolve("screen")).isNotEmptyFile();
        assertThat(folder.resolve("screen3")).isNotEmptyFile();
    }

    /** {@code sluice-gpu}, of classes that every user can read, with its options in a variable as a file in /etc would have them. */
    private static Path program(Path folder) throws IOException {
        Path classes = Files.createDirectory(folder.resolve("classes"));
        List<String> path = new ArrayList<>();
        for (String part : System.getProperty("java.class.path").split(":", -1)) {
            Path from = Path.of(part);
            if (!Files.exists(from)) continue;
            Path to = classes.resolve(path.size() + "-" + from.getFileName());
            copy(from, to);
            path.add(to.toString());
        }
        List<String> words = new ArrayList<>(
                List.of("exec", "env", "--block-signal=USR2", "_JAVA_SR_SIGNUM=50",
                        Path.of(System.getProperty("java.home"), "bin/java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(flag -> flag.startsWith("--"))
                .forEach(words::add);
        words.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:-CreateCoredumpOnCrash", "-cp",
                String.join(":", path), Start.class.getName(), "gpu", "\"$@\""));
        Path program = folder.resolve("sluice-gpu");
        Files.writeString(program, "#!/bin/sh\nunset HOME\nexport SLUICE_OPTIONS=--log=%s/log\n%s\n".formatted(folder,
                String.join(" ", words)));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return program;
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path one : all.toList()) {
                Path target = to.resolve(from.relativize(one).toString());
                Files.copy(one, target, StandardCopyOption.REPLACE_EXISTING);
                Files.setPosixFilePermissions(target,
                        PosixFilePermissions.fromString(Files.isDirectory(one) ? "rwxr-xr-x" : "rw-r--r--"));
            }
        }
    }
}
