package sluice.guest.build;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

/**
 * A kernel module built from source for one kernel, with this host's compiler, as an external module (Linux,
 * Documentation/kbuild/modules.rst).
 *
 * @param name module name
 * @param file the module, not compressed, without debugging information
 */
public record KernelModule(String name, Path file) {
    /**
     * Differences from the kernel's own build. The kernel's compiler may support {@code -fmin-function-alignment} (GCC
     * 14) while the host's does not: then {@code -falign-functions} is used. BTF of a module needs pahole and that of
     * the whole kernel, and our modules do not need it.
     */
    private static final List<String> SETTINGS = List.of("CC=gcc", "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=",
            "CONFIG_DEBUG_INFO_BTF_MODULES=");
    /** A few seconds where nothing else runs. */
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final List<String> PROGRAMS = List.of("make", "gcc", "strip");

    /**
     * Builds one of our modules, or finds it in the cache.
     *
     * @param name of its folder in {@code guest-tests/kmod}, equal to the module name
     * @throws IOException it cannot be built; the message says what is missing, or what the compiler says
     */
    public static KernelModule build(KernelHeaders headers, String name, CacheFolder cache)
            throws IOException, InterruptedException {
        URL folder = KernelModule.class.getResource("/sluice/guest/kmod/" + name);
        if (folder == null) throw new IOException("there is no kernel module " + name + " in guest-tests/kmod");
        try {
            URI uri = folder.toURI();
            if (!uri.getScheme().equals("jar")) return build(headers, name, Path.of(uri), cache);
            try (FileSystem jar = FileSystems.newFileSystem(uri, Map.of())) {
                return build(headers, name, jar.getPath("/sluice/guest/kmod/" + name), cache);
            }
        } catch (URISyntaxException e) {
            throw new IOException("the class path has a place that is no URI: " + folder, e);
        }
    }

    /**
     * Builds a module, or finds it in the cache.
     *
     * @param sources a folder with its sources and a {@code Kbuild} file that builds {@code NAME.o}
     * @throws IOException it cannot be built; the message says what is missing, or what the compiler says
     */
    public static KernelModule build(KernelHeaders headers, String name, Path sources, CacheFolder cache)
            throws IOException, InterruptedException {
        SortedMap<String, byte[]> contents = read(sources);
        ContentHash hash = new ContentHash();
        headers.hash(hash);
        SETTINGS.forEach(setting -> hash.text("setting", setting));
        contents.forEach(hash::bytes);
        Path file = cache.folder("modules/" + headers.release()).resolve(name + "-" + hash.hex() + ".ko");
        if (!Files.exists(file)) make(headers, name, contents, file);
        return new KernelModule(name, file);
    }

    private static SortedMap<String, byte[]> read(Path folder) throws IOException {
        SortedMap<String, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList())
                contents.put(folder.relativize(file).toString(), Files.readAllBytes(file));
        }
        return contents;
    }

    private static void make(KernelHeaders headers, String name, Map<String, byte[]> contents, Path file)
            throws IOException, InterruptedException {
        for (String program : PROGRAMS) {
            if (!isThere(program))
                throw new IOException("building kernel modules needs %s, which is not in PATH: run %s"
                        .formatted(program, KernelHeaders.SETUP));
        }
        Path folder = Files.createTempDirectory("sluice-module-");
        try {
            for (Map.Entry<String, byte[]> content : contents.entrySet())
                Files.write(folder.resolve(content.getKey()), content.getValue());
            Path built = folder.resolve(name + ".ko");
            List<String> command = new ArrayList<>(
                    List.of("make", "-s", "-C", headers.build().toString(), "M=" + folder));
            command.addAll(SETTINGS);
            command.add("modules");
            HostCommand.output(command, LIMIT);
            HostCommand.output(List.of("strip", "--strip-debug", built.toString()));
            Path unfinished = Files.createTempFile(file.getParent(), "unfinished-", ".ko");
            Files.copy(built, unfinished, StandardCopyOption.REPLACE_EXISTING);
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Folders.delete(folder);
        }
    }

    private static boolean isThere(String program) {
        for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            if (Files.isExecutable(Path.of(folder, program))) return true;
        }
        return false;
    }
}
