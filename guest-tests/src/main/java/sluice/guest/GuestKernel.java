package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Linux kernel package, unpacked but not installed.
 *
 * @param release what {@code uname -r} prints in the guest
 * @param image the bzImage
 * @param modules the folder with {@code modules.dep}
 */
public record GuestKernel(String release, Path image, Path modules) {

    /**
     * The kernel that {@code host/packages.sh} unpacked last.
     *
     * @throws IOException none is there or it is incomplete
     */
    public static GuestKernel find(CacheFolder cache) throws IOException {
        Path current = cache.path().resolve("kernel/current");
        if (!Files.isSymbolicLink(current)) {
            throw new IOException("no guest kernel in " + current.getParent()
                    + ": run guest-tests/host/packages.sh, which unpacks one there");
        }
        String release = Files.readSymbolicLink(current).getFileName().toString();
        Path root = current.resolveSibling(release);
        GuestKernel kernel = new GuestKernel(release, root.resolve("boot/vmlinuz-" + release),
                root.resolve("lib/modules/" + release));
        for (Path needed : new Path[]{ kernel.image, kernel.modules.resolve("modules.dep") }) {
            if (!Files.isReadable(needed)) {
                throw new IOException("the guest kernel " + release + " is incomplete, " + needed
                        + " is missing: delete its folder and run guest-tests/host/packages.sh again");
            }
        }
        return kernel;
    }
}
