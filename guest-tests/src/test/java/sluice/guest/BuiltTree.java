package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import sluice.vdev.qemu.CacheFolder;

/** Debian's kernels laid out as somebody has them who builds kernels, by links into the packages. */
public final class BuiltTree {
    private BuiltTree() {}

    /**
     * As {@code make modules_install INSTALL_MOD_PATH=} leaves it: an image, and its modules with a link to what it was built with.
     *
     * @param folder that is empty
     */
    public static Path installed(GuestKernel kernel, CacheFolder cache, Path folder) throws IOException {
        Files.createSymbolicLink(folder.resolve("bzImage"), kernel.image().toRealPath());
        Path modules = Files.createDirectories(folder.resolve("lib/modules").resolve(kernel.release()));
        try (Stream<Path> files = Files.list(kernel.modules())) {
            for (Path file : files.toList())
                Files.createSymbolicLink(modules.resolve(file.getFileName()), file.toRealPath());
        }
        Files.createSymbolicLink(modules.resolve("build"), kernel.headers(cache).build().toRealPath());
        return folder;
    }

    /**
     * Modules that nobody has installed, so that no {@code modules.dep} says what they need: a tree to read from, not to build in.
     *
     * @param folder that is empty
     */
    static Path unresolved(GuestKernel kernel, Path folder) throws IOException {
        Files.createSymbolicLink(Files.createDirectories(folder.resolve("arch/x86/boot")).resolve("bzImage"),
                kernel.image().toRealPath());
        for (String file : List.of("kernel", "modules.order", "modules.builtin"))
            Files.createSymbolicLink(folder.resolve(file), kernel.modules().resolve(file).toRealPath());
        return folder;
    }
}
