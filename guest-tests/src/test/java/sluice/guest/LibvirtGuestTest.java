package sluice.guest;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.cli.Start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * libvirt starts the GPU for a VM, as its own user or that of a session, without capabilities, and its daemon is started again meanwhile; screenshots
 * are what the guest draws. The daemons are those of the host, or of Debian 13 in a root of its own, started by hand in namespaces of their
 * own, without systemd.
 */
@Tag("guest")
@Tag("matrix")
class LibvirtGuestTest {
    private static final Path SCRIPT = Path.of("host/libvirt-session.sh");
    private static final int SCREENSHOTS = 5;
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;
    private static final Pattern DONE = Pattern.compile("(?m)^SLUICE done (\\d+)");

    /** The libvirt of the system, or that of a user's session, who has all in a home. */
    enum Mode {
        SYSTEM("libvirt-qemu"),
        SESSION("sluice-session");

        private final String user;

        Mode(String user) {
            this.user = user;
        }
    }

    /** Whose libvirt and QEMU they are. */
    enum Suite {
        HOST,
        DEBIAN_13
    }

    static List<Arguments> sessions() {
        return Configurations.of(List.of(), Stream.of(Suite.values())
                .flatMap(suite -> Stream.of(Mode.values()).map(mode -> Arguments.of(suite, mode))).toList());
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("sessions")
    @Timeout(900)
    void aVmLivesThroughTheRestartOfTheDaemon(Suite suite, Mode mode, @TempDir Path folder) throws Exception {
        assumeTrue((Integer) Files.getAttribute(folder, "unix:uid") == 0, "only root mounts file systems");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        copyGuest(folder);
        List<String> command = new ArrayList<>(List.of("unshare", "--mount", "--pid", "--kill-child", "--mount-proc",
                "bash", SCRIPT.toAbsolutePath().toString(), program(folder).toString()));
        String name = mode.name().toLowerCase(Locale.ROOT);
        command.addAll(List.of(suite == Suite.HOST
                ? TestQemu.QEMU_10.binary().path().toString()
                : "/usr/bin/qemu-system-x86_64", folder.toString(), name, System.getProperty("java.home")));
        if (suite == Suite.DEBIAN_13) {
            Path root = TestQemu.CACHE.path().resolve("libvirt/trixie");
            assertThat(root).as("unpacked by guest-tests/host/packages.sh tests").isDirectory();
            command.add(root.toString());
        }
        Process session = new ProcessBuilder(command).redirectErrorStream(true).start();
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
        Matcher done = DONE.matcher(output);
        assertThat(done.find()).as(output).isTrue();
        Picture drawn = TestPattern.picture(WIDTH, HEIGHT, Integer.parseInt(done.group(1)));
        for (int i = 1; i <= SCREENSHOTS; i++)
            assertThat(drawn.difference(screenshot(folder.resolve("screen-" + i)))).as("screenshot %d", i).isEmpty();
    }

    /** A guest that draws a number of frames and stays, and that powers itself off when its power button is pressed. */
    private static void copyGuest(Path folder) throws IOException, InterruptedException {
        GuestImage image = GuestImage.of(GuestKernel.forQemu(TestQemu.QEMU_10.binary(), TestQemu.CACHE))
                .module("virtio-gpu").module("button").module("evdev").file("bin/power-button", "power-button")
                .build(TestQemu.CACHE);
        Files.copy(image.kernel().image(), folder.resolve("kernel"));
        Files.copy(image.initrd(), folder.resolve("initrd"));
        for (String file : List.of("kernel", "initrd"))
            Files.setPosixFilePermissions(folder.resolve(file), PosixFilePermissions.fromString("rw-r--r--"));
    }

    /** What libvirt has written: PNG, or a portable pixmap, "P6", width, height, 255 and the colours. */
    private static Picture screenshot(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        byte[] head = "P6\n%d %d\n255\n".formatted(WIDTH, HEIGHT).getBytes(StandardCharsets.US_ASCII);
        if (bytes.length != head.length + 3 * WIDTH * HEIGHT
                || !Arrays.equals(head, 0, head.length, bytes, 0, head.length))
            return Picture.read(file);
        int[] pixels = new int[WIDTH * HEIGHT];
        ByteBuffer colours = ByteBuffer.wrap(bytes).position(head.length);
        for (int i = 0; i < pixels.length; i++)
            pixels[i] = 0xff << 24 | (colours.get() & 0xff) << 16 | (colours.get() & 0xff) << 8
                    | (colours.get() & 0xff);
        return new Picture(WIDTH, HEIGHT, pixels);
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
                        folder.resolve("jvm/bin/java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(flag -> flag.startsWith("--"))
                .forEach(words::add);
        words.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:-CreateCoredumpOnCrash",
                "-Dio.netty.native.workdir=" + folder, "-cp",
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
