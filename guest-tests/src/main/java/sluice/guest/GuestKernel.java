package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

import sluice.guest.build.KernelHeaders;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/**
 * A Linux kernel: a package that is unpacked but not installed, or a build tree.
 *
 * @param release output of {@code uname -r} in the guest
 * @param image the bzImage
 * @param modules the folder with {@code modules.dep}, or that of the build
 * @param tree the folder of the build, or null
 */
public record GuestKernel(String release, Path image, Path modules, @Nullable Path tree) {
    private static final String CURRENT = "current";
    private static final String NEWEST = "newest";
    /** The QEMU version that Debian has with Linux 7. */
    private static final int FIRST_WITH_NEWEST = 11;

    /**
     * The kernel that matches a QEMU, of those unpacked by {@code host/packages.sh}: Linux 7 for QEMU 11 and later if
     * present, otherwise the system's own, 6.12.
     *
     * @throws IOException it is missing or incomplete
     */
    public static GuestKernel forQemu(QemuBinary qemu, CacheFolder cache) throws IOException {
        Path newest = cache.path().resolve("kernel").resolve(NEWEST);
        boolean takeNewest = qemu.major() >= FIRST_WITH_NEWEST && Files.isSymbolicLink(newest);
        return linked(cache.path().resolve("kernel").resolve(takeNewest ? NEWEST : CURRENT));
    }

    /**
     * One of the kernels unpacked by {@code host/packages.sh}.
     *
     * @param which {@code newest} or {@code current}
     * @throws IOException it is missing or incomplete
     */
    public static GuestKernel named(String which, CacheFolder cache) throws IOException {
        return linked(cache.path().resolve("kernel").resolve(which));
    }

    /**
     * One that was built: a kernel's source tree, or the folder of {@code make O=}. Or a folder with an image, {@code bzImage} or
     * {@code vmlinuz*}, and its modules in {@code lib/modules/RELEASE}, as {@code make modules_install INSTALL_MOD_PATH=} leaves them.
     *
     * @throws IOException it lacks something; the message says which {@code make} provides it
     */
    public static GuestKernel built(Path folder) throws IOException {
        return KernelTree.read(folder);
    }

    /**
     * The headers for building modules for this kernel.
     *
     * @throws IOException they are missing; the message names the package
     */
    public KernelHeaders headers(CacheFolder cache) throws IOException {
        return tree == null ? KernelHeaders.of(release, modules, cache) : KernelHeaders.ofTree(release, tree);
    }

    /**
     * What it was built with, if it is there to be read.
     *
     * @throws IOException it cannot be read
     */
    public Optional<KernelConfig> config() throws IOException {
        List<Path> places = List.of(tree == null ? modules.resolve("config") : tree.resolve(".config"),
                image.resolveSibling("config-" + release), modules.resolve("build/.config"));
        for (Path place : places) {
            if (Files.isReadable(place)) return Optional.of(KernelConfig.read(place));
        }
        return Optional.empty();
    }

    /**
     * Whether it has a module, as a file or in its image.
     *
     * @throws IOException the lists of its modules cannot be read
     */
    public boolean has(String module) throws IOException {
        return ModuleOrder.of(this).has(module);
    }

    /**
     * Whether it has a module in its image.
     *
     * @throws IOException the lists of its modules cannot be read
     */
    public boolean isBuiltIn(String module) throws IOException {
        return ModuleOrder.of(this).isBuiltIn(module);
    }

    private static GuestKernel linked(Path link) throws IOException {
        if (!Files.isSymbolicLink(link)) {
            throw new IOException("no guest kernel in " + link.getParent()
                    + ": run guest-tests/host/packages.sh, which unpacks one there");
        }
        String release = Files.readSymbolicLink(link).getFileName().toString();
        Path root = link.resolveSibling(release);
        GuestKernel kernel = new GuestKernel(release, root.resolve("boot/vmlinuz-" + release),
                root.resolve("lib/modules/" + release), null);
        for (Path needed : new Path[]{ kernel.image, kernel.modules.resolve("modules.dep") }) {
            if (!Files.isReadable(needed)) {
                throw new IOException("the guest kernel " + release + " is incomplete, " + needed
                        + " is missing: delete its folder and run guest-tests/host/packages.sh again");
            }
        }
        return kernel;
    }
}
