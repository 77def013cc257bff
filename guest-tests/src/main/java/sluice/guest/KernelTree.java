package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Finds a kernel in its build folder. */
final class KernelTree {
    private static final Path IMAGE = Path.of("arch/x86/boot/bzImage");
    private static final Path RELEASE = Path.of("include/config/kernel.release");

    private KernelTree() {}

    static GuestKernel read(Path given) throws IOException {
        if (!Files.isDirectory(given)) throw new IOException("%s is not a folder with a kernel".formatted(given));
        Path folder = given.toRealPath();
        Path image = folder.resolve(IMAGE);
        return Files.isReadable(image) ? built(folder, image) : installed(folder);
    }

    private static GuestKernel built(Path tree, Path image) throws IOException {
        String release = BzImage.release(image);
        Path file = tree.resolve(RELEASE);
        if (Files.isReadable(file)) {
            String said = Files.readString(file).strip();
            if (!said.equals(release))
                throw new IOException("%s is of release %s and %s says %s: run make bzImage modules there".formatted(
                        image, release, file, said));
        }
        return new GuestKernel(release, image, tree, tree);
    }

    /** An image beside its installed modules. */
    private static GuestKernel installed(Path folder) throws IOException {
        Path image = image(folder);
        String release = BzImage.release(image);
        List<Path> places = List.of(folder.resolve("lib/modules").resolve(release), folder.resolve("modules"), folder);
        for (Path modules : places) {
            if (Files.isReadable(modules.resolve("modules.dep"))) return new GuestKernel(release, image, modules, null);
        }
        throw new IOException(
                "%s has an image of release %s and no modules: run make modules_install INSTALL_MOD_PATH=%s"
                        .formatted(folder, release, folder));
    }

    private static Path image(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> images = files.filter(Files::isRegularFile)
                    .filter(file -> isImage(file.getFileName().toString()))
                    .toList();
            if (images.size() == 1) return images.getFirst();
            if (!images.isEmpty())
                throw new IOException("%s has several kernel images: leave one of %s".formatted(folder, images));
        }
        throw new IOException("%s has no %s: run make bzImage modules there, or give the folder of make O="
                .formatted(folder, IMAGE));
    }

    private static boolean isImage(String name) {
        return name.equals("bzImage") || name.startsWith("vmlinuz");
    }
}
