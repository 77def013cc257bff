package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The folder in which unpacked QEMUs and kernels, built guest images and kernel modules, and probe results are kept between runs; deleting it is
 * always safe. {@code packages.sh} of guest-tests fills its parts {@code qemu/}, {@code kernel/}, {@code headers/} and {@code desktop/}, and follows the same
 * rule for its place.
 */
public record CacheFolder(Path path) {

    /** {@code $SLUICE_CACHE}, else {@code $XDG_CACHE_HOME/sluice}, else {@code $HOME/.cache/sluice}. */
    public static CacheFolder ofUser() {
        return of(System.getenv());
    }

    public static CacheFolder of(Map<String, String> environment) {
        String own = environment.getOrDefault("SLUICE_CACHE", "");
        if (!own.isEmpty())
            return new CacheFolder(Path.of(own).toAbsolutePath());
        String shared = environment.getOrDefault("XDG_CACHE_HOME", "");
        if (!shared.isEmpty())
            return new CacheFolder(Path.of(shared, "sluice").toAbsolutePath());
        String home = environment.getOrDefault("HOME", System.getProperty("user.home", "."));
        return new CacheFolder(Path.of(home, ".cache", "sluice").toAbsolutePath());
    }

    /** A subfolder, created if missing. */
    public Path folder(String name) throws IOException {
        return Files.createDirectories(path.resolve(name));
    }
}
