package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import sluice.vdev.qemu.QemuDisplay;

/**
 * {@code sluice install-manifest}: the file by which QEMU's tools and libvirt find a vhost-user program (QEMU
 * docs/interop/vhost-user.json). Root installs it for the system's libvirt, others for that of their session.
 */
@Command(name = "install-manifest", mixinStandardHelpOptions = true, description = "Write the vhost-user manifest by which libvirt and QEMU find the GPU: run by root, for the whole system, else for the user.")
final class InstallManifestCommand implements Callable<Integer> {
    /** Sorted before the manifest of QEMU's own program, 50-qemu-gpu.json; the first match wins. */
    private static final String FILE = "40-sluice-gpu.json";
    private static final String PROGRAM = "sluice-gpu";

    @Option(names = "--dir", paramLabel = "DIR", description = "Folder of manifests (default: /etc/qemu/vhost-user for root, else qemu/vhost-user in $XDG_CONFIG_HOME or ~/.config).")
    private @Nullable Path directory;

    @Option(names = "--program-dir", paramLabel = "DIR", description = "Folder of the program that the manifest names (default: /usr/local/libexec for root, else sluice in $XDG_DATA_HOME or ~/.local/share).")
    private @Nullable Path programs;

    @Option(names = "--user", description = "Install for the user, even for root.")
    private boolean forUser;

    @Override
    public Integer call() throws IOException {
        String launcher = System.getProperty("sluice.launcher");
        if (launcher == null)
            throw new IOException("run this through the launcher ./sluice, which passes its own path");
        boolean forSystem = !forUser && (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
        Path from = Path.of(launcher).toAbsolutePath();
        if (forSystem) {
            requireForAll(from);
            requireForAll(Path.of(System.getProperty("java.home")));
        }
        Path folder = directory != null
                ? directory
                : forSystem
                        ? Path.of("/etc/qemu/vhost-user")
                        : home("XDG_CONFIG_HOME", ".config").resolve("qemu/vhost-user");
        Path program = (programs != null
                ? programs
                : forSystem ? Path.of("/usr/local/libexec") : home("XDG_DATA_HOME", ".local/share").resolve("sluice"))
                .toAbsolutePath().resolve(PROGRAM);
        linkTo(from, program);
        Files.createDirectories(folder);
        Path manifest = folder.resolve(FILE);
        Files.writeString(manifest, manifest(program));
        System.out.println(
                "wrote " + manifest + (forSystem ? ", for all users and the system's libvirt" : ", for this user"));
        System.out.println("use it in a VM with shared memory by: " + video());
        return 0;
    }

    /** libvirt starts the program as a user of its own, which may not enter a home folder. */
    private static void requireForAll(Path file) throws IOException {
        for (Path part = file.toRealPath(); part != null; part = part.getParent()) {
            if (!Files.getPosixFilePermissions(part).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                throw new IOException(
                        "%s is not for other users, such as libvirt's, because of %s: move it to /opt, or use --user"
                                .formatted(file, part));
            }
        }
    }

    private static String video() throws IOException {
        String model = QemuDisplay.hasRenderNode(Path.of("/dev/dri"))
                ? "<model type='virtio'/>"
                : "<model type='virtio'><acceleration accel3d='no'/></model>";
        return "<video><driver name='vhostuser'/>" + model + "</video>";
    }

    private static Path home(String variable, String otherwise) {
        String value = System.getenv(variable);
        if (value != null && !value.isEmpty()) return Path.of(value);
        String home = System.getenv("HOME");
        return Path.of(home == null || home.isEmpty() ? System.getProperty("user.home") : home, otherwise);
    }

    /** Manifests cannot contain a subcommand, so the program is started by a name that implies it. */
    private static void linkTo(Path launcher, Path program) throws IOException {
        Path folder = program.getParent();
        if (folder != null) Files.createDirectories(folder);
        if (Files.isSymbolicLink(program)) Files.delete(program);
        Files.createSymbolicLink(program, launcher);
    }

    private static String manifest(Path program) {
        JsonObject json = new JsonObject();
        json.addProperty("description", "Sluice virtio GPU (2D)");
        json.addProperty("type", "gpu");
        json.addProperty("binary", program.toString());
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json) + "\n";
    }
}
