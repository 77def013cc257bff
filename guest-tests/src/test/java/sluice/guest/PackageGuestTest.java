package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The Debian package is made of the built module, and what it installs serves a GPU as a service does: by another user, without a
 * HOME, a locale or a Java of the host, and with a /tmp from which nothing can be executed; and in a fresh Debian it is a unit,
 * to which a VM of another user connects.
 */
@Tag("guest")
@Tag("matrix")
class PackageGuestTest {
    private static final Path MODULE = Path.of("../vdev").toAbsolutePath().normalize();
    private static final Path SESSION = Path.of("host/installed-session.sh").toAbsolutePath();
    private static final Pattern CODENAME = Pattern.compile("(?m)^VERSION_CODENAME=(\\w+)$");

    @TempDir
    private static @Nullable Path packages;

    private static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", command, output).isZero();
        return output;
    }

    /** An instance of both units, as systemd reads them; the program is not where it will be. */
    private static void requireUnits(Path units, Path folder) throws IOException, InterruptedException {
        List<String> verify = new ArrayList<>(List.of("systemd-analyze", "verify", "--man=no"));
        for (String kind : List.of("service", "socket")) {
            String text = Files.readString(units.resolve("sluice@." + kind));
            Path instance = folder.resolve("sluice@gpu." + kind);
            Files.writeString(instance, text.replace("/usr/bin/sluice", "/bin/true"));
            Files.writeString(folder.resolve("sluice@." + kind), text.replace("/usr/bin/sluice", "/bin/true"));
            verify.add(instance.toString());
        }
        assertThat(Files.readString(folder.resolve("sluice@gpu.service"))).contains("ExecStart=/bin/true %i\n");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-analyze")), "systemd is not installed");
        assertThat(run(verify)).isEmpty();
    }

    /** The package, which is made once. */
    private static Path made(String format) throws IOException, InterruptedException {
        assumeTrue((Integer) Files.getAttribute(packages(), "unix:uid") == 0, "only root mounts file systems");
        Path target = MODULE.resolve("target");
        assumeTrue(Files.exists(target.resolve("vdev-0.1.0-SNAPSHOT.jar")), "the module vdev is not packaged yet");
        Path out = packages().resolve("out");
        if (!Files.exists(out)) {
            String made = run(List.of("bash", MODULE.resolve("package/package.sh").toString(), target.toString(),
                    out.toString(), System.getProperty("java.home")));
            assertThat(made.lines()).hasSize(2);
        }
        try (Stream<Path> files = Files.list(out)) {
            return files.filter(file -> file.toString().endsWith(format)).findFirst().orElseThrow();
        }
    }

    private static Path packages() {
        return Objects.requireNonNull(packages, "JUnit makes the folder");
    }

    static List<String> formats() {
        return Configurations.of(List.of(), List.of(".deb"));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("formats")
    @Timeout(900)
    void whatIsInstalledRunsAsAService(String format, @TempDir Path folder) throws Exception {
        Path root = folder.resolve("root");
        run(List.of("dpkg-deb", "-x", made(format).toString(), root.toString()));
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(root.resolve("usr/share/man/man1/sluice-gpu.1.gz")).isNotEmptyFile();
        requireUnits(root.resolve("usr/lib/systemd/system"), folder);
        run(List.of("bash", "-n", root.resolve("usr/share/bash-completion/completions/sluice").toString()));
        String said = run(
                List.of("unshare", "--mount", "bash", MODULE.resolve("package/try.sh").toString(), root.toString()));
        assertThat(said.lines()).as(said).contains("sluice 0.1.0", "the socket is for its group", "the cache is used",
                "the library is loaded in place", "the command for QEMU is complete", "ended with 0");
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("formats")
    @Timeout(900)
    void whatIsInstalledInAFreshRootServesAVmOfAnotherUser(String format, @TempDir Path folder) throws Exception {
        Matcher suite = CODENAME.matcher(Files.readString(Path.of("/etc/os-release")));
        assertThat(suite.find()).isTrue();
        Path root = TestQemu.CACHE.path().resolve("root/" + suite.group(1) + ".tar");
        assumeTrue(Files.exists(root), "no root was made: guest-tests/host/packages.sh tests");
        Path made = made(format);
        QemuBinary qemu = TestQemu.QEMU_10.binary();
        GuestImage image = PatternGuest.image(qemu);
        Files.copy(image.kernel().image(), folder.resolve("kernel"));
        Files.copy(image.initrd(), folder.resolve("initrd"));
        for (String file : List.of("kernel", "initrd"))
            Files.setPosixFilePermissions(folder.resolve(file), PosixFilePermissions.fromString("rw-r--r--"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        String said = run(List.of("unshare", "--mount", "--pid", "--kill-child", "--mount-proc", "bash",
                SESSION.toString(), root.toString(), made.toString(), qemu.path().toString(), folder.toString(),
                "console=ttyS0 panic=-1 quiet sluice.run=pattern sluice.frames=5"));
        assertThat(said).doesNotContain("not ok").containsPattern("gpu Uid:(\\d+) Gid:(\\d+) CapEff:0000000000000000"
                + " NoNewPrivs:1 for \\1:\\2\n").contains("ok - ended with 0", "ok - the package goes");
        Matcher done = Pattern.compile("(?m)^SLUICE done (\\d+)").matcher(said);
        assertThat(done.find()).as(said).isTrue();
        assertThat(TestPattern.picture(1280, 800, Integer.parseInt(done.group(1)))
                .difference(Picture.read(folder.resolve("vm/screen.png")))).isEmpty();
    }
}
