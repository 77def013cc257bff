package sluice.guest.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import sluice.vdev.qemu.CacheFolder;

/**
 * The headers and build programs of one kernel, for building modules.
 *
 * @param release output of {@code uname -r}
 * @param build the folder for {@code make -C}, such as {@code lib/modules/RELEASE/build} (Linux,
 * Documentation/kbuild/modules.rst)
 */
public record KernelHeaders(String release, Path build) {
    /** The command that installs the requirements for building modules. */
    static final String SETUP = "guest-tests/host/packages.sh modules";

    /**
     * The headers of a kernel: those in its modules folder, as for an installed kernel, otherwise those unpacked by
     * {@code packages.sh modules}.
     *
     * @param modules the kernel's modules folder
     * @throws IOException they are missing; the message names the command that provides them
     */
    public static KernelHeaders of(String release, Path modules, CacheFolder cache) throws IOException {
        Path unpacked = cache.path().resolve("headers").resolve(release).resolve("build");
        for (Path build : new Path[]{ modules.resolve("build"), unpacked }) {
            if (Files.isReadable(build.resolve("Makefile"))) return new KernelHeaders(release, build);
        }
        throw new IOException("no headers of the kernel %s in %s: run %s".formatted(release, unpacked, SETUP));
    }

    /**
     * A build tree, with which modules are built as with headers.
     *
     * @throws IOException it lacks something; the message says which {@code make} provides it
     */
    public static KernelHeaders ofTree(String release, Path tree) throws IOException {
        for (String needed : new String[]{ "Makefile", "Module.symvers", "scripts/mod/modpost",
                "include/generated/autoconf.h" }) {
            if (!Files.isReadable(tree.resolve(needed)))
                throw new IOException(
                        "%s has no %s, without which no module can be built for it: run make bzImage modules there"
                                .formatted(tree, needed));
        }
        return new KernelHeaders(release, tree);
    }

    /** Tells builds of one release apart: another configuration, other symbols. */
    void hash(ContentHash hash) throws IOException {
        hash.text("release", release);
        for (String file : new String[]{ "Module.symvers", "include/generated/autoconf.h" }) {
            if (Files.isReadable(build.resolve(file))) hash.bytes(file, Files.readAllBytes(build.resolve(file)));
        }
    }
}
