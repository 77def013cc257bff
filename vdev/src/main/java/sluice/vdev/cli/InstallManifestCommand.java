package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code sluice install-manifest}: the file by which QEMU's tools and libvirt find a vhost-user program (QEMU
 * docs/interop/vhost-user.json).
 */
@Command(name = "install-manifest", mixinStandardHelpOptions = true, description = "Write the vhost-user manifest by which libvirt and QEMU find the GPU.")
final class InstallManifestCommand implements Callable<Integer> {
    /** Sorted before the manifest of QEMU's own program, 50-qemu-gpu.json; the first match wins. */
    private static final String FILE = "40-sluice-gpu.json";

    @Option(names = "--dir", paramLabel = "DIR", description = "Folder of manifests (default: qemu/vhost-user in $XDG_CONFIG_HOME or ~/.config).")
    private @Nullable Path directory;

    @Override
    public Integer call() throws IOException {
        String launcher = System.getProperty("sluice.launcher");
        if (launcher == null)
            throw new IOException("run this through the launcher ./sluice, which passes its own path");
        Path folder = directory != null ? directory : home("XDG_CONFIG_HOME", ".config").resolve("qemu/vhost-user");
        Path program = home("XDG_DATA_HOME", ".local/share").resolve("sluice/sluice-gpu");
        linkTo(Path.of(launcher), program);
        Files.createDirectories(folder);
        Path manifest = folder.resolve(FILE);
        Files.writeString(manifest, manifest(program));
        System.out.println("wrote " + manifest);
        return 0;
    }

    private static Path home(String variable, String otherwise) {
        String value = System.getenv(variable);
        return value == null || value.isEmpty() ? Path.of(System.getProperty("user.home"), otherwise) : Path.of(value);
    }

    /** Manifests cannot contain a subcommand, so the program is started by a name that implies it. */
    private static void linkTo(Path launcher, Path program) throws IOException {
        Path folder = program.getParent();
        if (folder != null) Files.createDirectories(folder);
        if (Files.isSymbolicLink(program)) Files.delete(program);
        Files.createSymbolicLink(program, launcher.toAbsolutePath());
    }

    private static String manifest(Path program) {
        JsonObject json = new JsonObject();
        json.addProperty("description", "Sluice virtio GPU (2D)");
        json.addProperty("type", "gpu");
        json.addProperty("binary", program.toString());
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json) + "\n";
    }
}
