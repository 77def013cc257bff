package sluice.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import sluice.guest.build.ContentHash;
import sluice.guest.build.Folders;
import sluice.guest.build.KeptFiles;
import sluice.guest.build.KernelModule;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

/**
 * A bootable image: a kernel and an initramfs with busybox, kernel modules, our programs and optional programs of the
 * host. The initramfs is cached under the hash of its content, so a second build only hashes.
 *
 * @param initrd an uncompressed cpio archive: unpacking a compressed one takes an emulated CPU longer than reading this one
 */
public record GuestImage(GuestKernel kernel, Path initrd) {
    /** Images used longest ago are deleted beyond it. */
    private static final long MOST_IMAGES_BYTES = 2L << 30;
    private static final Duration SPARED = Duration.ofHours(6);

    /** Starts with an image that holds busybox, the init script, the program {@code pattern} and no modules. */
    public static Builder of(GuestKernel kernel) {
        return new Builder(kernel);
    }

    /** The image the demo and the display tests boot: the virtio-gpu driver and the pattern program. */
    public static GuestImage forDisplay(GuestKernel kernel, CacheFolder cache)
            throws IOException, InterruptedException {
        return of(kernel).module("virtio-gpu").build(cache);
    }

    /** The same, with a record of what its kernel tells of the driver: {@link DriverTrace}. */
    public static GuestImage forTracedDisplay(GuestKernel kernel, CacheFolder cache)
            throws IOException, InterruptedException {
        return DriverTrace.addTo(of(kernel).module("virtio-gpu")).build(cache);
    }

    /**
     * The image the compositor tests boot: Weston and udev as {@code packages.sh tests} unpacks them, a client of known pixels,
     * the drivers of GPU and pointer. The guest's command {@code desktop} starts it, {@code window} is the client.
     */
    public static GuestImage forDesktop(GuestKernel kernel, CacheFolder cache)
            throws IOException, InterruptedException {
        Path root = cache.path().resolve("desktop/trixie");
        if (!Files.isExecutable(root.resolve("usr/bin/weston"))) {
            throw new IOException("no Weston in " + root + ": run guest-tests/host/packages.sh tests");
        }
        return of(kernel).module("virtio-gpu").module("virtio_input").module("evdev").tree(root)
                .compiled("window.c").file("bin/desktop", "desktop")
                .file("bin/desktop-ready", "desktop-ready").file("etc/weston.ini", "weston.ini").build(cache);
    }

    /** The image with the X server of {@code packages.sh tests}, and a client of it. */
    public static GuestImage forXorg(GuestKernel kernel, CacheFolder cache) throws IOException, InterruptedException {
        Path root = cache.path().resolve("xorg/trixie");
        if (!Files.isExecutable(root.resolve("usr/lib/xorg/Xorg")))
            throw new IOException("no Xorg in " + root + ": run guest-tests/host/packages.sh tests");
        return of(kernel).module("virtio-gpu").tree(root).compiled("xpicture.c").file("bin/xserver", "xserver")
                .file("etc/xorg.conf", "xorg.conf").build(cache);
    }

    /**
     * The image the grabber's tests boot: the driver of the card ({@code /dev/video0}) and the drivers of IOMMUs; those that
     * make buffers for it, a GPU's and vivid with contiguous memory ({@code /dev/video1}), and the program {@code import};
     * v4l2-ctl and v4l2-compliance as {@code packages.sh tests} unpacks them.
     */
    public static GuestImage forVideo(GuestKernel kernel, CacheFolder cache) throws IOException, InterruptedException {
        Path root = cache.path().resolve("video/trixie");
        if (!Files.isExecutable(root.resolve("usr/bin/v4l2-ctl")))
            throw new IOException("no v4l2-ctl in " + root + ": run guest-tests/host/packages.sh tests");
        return of(kernel).module("virtio-iommu").module("virtio-gpu").module("dt3155")
                .module("vivid", "n_devs=1 node_types=1 allocators=1").tree(root).compiled("import.c")
                .build(cache);
    }

    /** Collects the content of an image. */
    public static final class Builder {
        private static final List<String> COMPILER = List.of("gcc", "-std=gnu17", "-O2", "-static", "-Wall",
                "-I/usr/include/libdrm", "-I/usr/include/drm");
        private static final Pattern INCLUDE = Pattern.compile("^#include \"([^\"]+)\"", Pattern.MULTILINE);
        private static final Path BUSYBOX = Path.of("/bin/busybox");
        private static final Pattern LIBRARY = Pattern.compile("(?:=> )?(/\\S+) \\(0x");

        private final GuestKernel kernel;
        private final List<String> modules = new ArrayList<>();
        /** By module name. */
        private final Map<String, String> parameters = new LinkedHashMap<>();
        /** Modules built for this kernel, by name. */
        private final Map<String, byte[]> built = new LinkedHashMap<>();
        /** By their places in the guest. */
        private final Map<String, Path> programs = new LinkedHashMap<>();
        private final List<FileTree> trees = new ArrayList<>();
        private final Set<String> sources = new LinkedHashSet<>(List.of("pattern.c", "init"));
        private final Map<String, String> compiled = new LinkedHashMap<>(Map.of("bin/pattern", "pattern.c"));
        private final Map<String, String> texts = new LinkedHashMap<>(Map.of("init", "init"));

        private Builder(GuestKernel kernel) {
            this.kernel = kernel;
        }

        /** Compiles one of our C programs, which may include our headers, into the guest's {@code /bin}. */
        public Builder compiled(String source) {
            sources.add(source);
            compiled.put("bin/" + source.substring(0, source.lastIndexOf('.')), source);
            return this;
        }

        /**
         * Adds one of our files at a path in the guest, without a leading slash; those in {@code bin/} are executable.
         */
        public Builder file(String place, String source) {
            sources.add(source);
            texts.put(place, source);
            return this;
        }

        /** Copies everything below a folder of this host to the guest's root. */
        public Builder tree(Path folder) throws IOException {
            trees.add(FileTree.read(folder));
            return this;
        }

        /** Loads a kernel module at start, after everything it depends on; modules are loaded in the order of the calls. */
        public Builder module(String name) {
            modules.add(name);
            return this;
        }

        /**
         * The same, with parameters.
         *
         * @param values as insmod takes them, {@code name=value}, with spaces between
         */
        public Builder module(String name, String values) {
            parameters.put(ModuleOrder.name(name), values);
            return module(name);
        }

        /** The same for {@code NAME} or {@code NAME PARAMETERS}. */
        public Builder moduleLine(String line) {
            int space = line.indexOf(' ');
            return space < 0 ? module(line) : module(line.substring(0, space), line.substring(space + 1));
        }

        /**
         * The same, if this kernel has the module; otherwise no effect.
         *
         * @param values as insmod takes them, or empty
         */
        public Builder moduleIfThere(String name, String values) throws IOException {
            return kernel.has(name) ? module(name, values) : this;
        }

        /**
         * Loads a user's module at start, in the order of the calls, after its dependencies in this kernel.
         *
         * @param values as insmod takes them, {@code name=value}, with spaces between; empty for none
         * @throws IOException it is not a module for this kernel, or a dependency is missing in this kernel
         */
        public Builder moduleFile(Path file, String values) throws IOException, InterruptedException {
            ModuleFile module = ModuleFile.read(file);
            if (!module.release().equals(kernel.release()))
                throw new IOException("%s was built for the kernel %s, and this is %s".formatted(file,
                        module.release(), kernel.release()));
            for (String needed : module.dependencies()) {
                if (!built.containsKey(needed)) module(needed);
            }
            built.put(module.name(), module.content());
            parameters.put(module.name(), values);
            modules.add(module.name());
            return this;
        }

        /**
         * Loads a module built for this kernel at start, in the order of the calls: its dependencies must be added
         * before. In the guest it is {@code /modules/NAME.ko}.
         *
         * @param values as insmod takes them, {@code name=value}, with spaces between; empty for none
         */
        public Builder module(KernelModule module, String values) throws IOException {
            built.put(module.name(), Files.readAllBytes(module.file()));
            parameters.put(module.name(), values);
            modules.add(module.name());
            return this;
        }

        /** Copies a program of this host, and the shared libraries it needs, into the guest's {@code /bin}. */
        public Builder program(Path file) {
            return program("bin/" + file.getFileName(), file);
        }

        /** The same at another place, without a leading slash. The program may be linked statically, or be a script of the shell. */
        public Builder program(String place, Path file) {
            programs.put(place, file);
            return this;
        }

        /**
         * Builds the image, or finds it in the cache.
         *
         * @throws IOException a module, compiler, program or source is missing or fails; the message names it
         */
        public GuestImage build(CacheFolder cache) throws IOException, InterruptedException {
            Set<String> moduleFiles = moduleFiles();
            Map<String, byte[]> hostFiles = hostFiles();
            Map<String, byte[]> contents = contents();
            ContentHash hash = new ContentHash();
            hash.text("kernel", kernel.release());
            hashModules(hash, moduleFiles);
            parameters.forEach(hash::text);
            built.forEach((name, content) -> hash.bytes("built module " + name, content));
            COMPILER.forEach(word -> hash.text("compiler", word));
            hostFiles.forEach(hash::bytes);
            contents.forEach(hash::bytes);
            texts.forEach(hash::text);
            compiled.forEach(hash::text);
            trees.forEach(tree -> tree.hash(hash::bytes));
            KeptFiles images = new KeptFiles(cache.folder("images"), MOST_IMAGES_BYTES, SPARED);
            Path image = images.folder().resolve(hash.hex() + ".cpio");
            if (!images.use(image)) {
                Path unfinished = Files.createTempFile(images.folder(), "unfinished-", ".cpio");
                try {
                    write(unfinished, moduleFiles, hostFiles, contents);
                    Files.move(unfinished, image, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    Files.deleteIfExists(unfinished);
                }
                images.prune();
            }
            return new GuestImage(kernel, image);
        }

        /** Our files by their names: those that were asked for, and the headers that they include. */
        private Map<String, byte[]> contents() throws IOException {
            Map<String, byte[]> contents = new LinkedHashMap<>();
            Deque<String> wanted = new ArrayDeque<>(sources);
            while (!wanted.isEmpty()) {
                String name = wanted.remove();
                if (contents.containsKey(name)) continue;
                byte[] content = resource(name);
                contents.put(name, content);
                Matcher headers = INCLUDE.matcher(new String(content, StandardCharsets.UTF_8));
                while (headers.find())
                    wanted.add(headers.group(1));
            }
            return contents;
        }

        /** Those of a build tree may be others the next time, in spite of their names. */
        private void hashModules(ContentHash hash, Set<String> files) throws IOException {
            for (String file : files) {
                hash.text("module", file);
                if (kernel.tree() != null && !built.containsKey(file))
                    hash.bytes("content of " + file, Files.readAllBytes(kernel.modules().resolve(file)));
            }
        }

        /** All modules in the order in which they are loaded: those of the kernel as files below its modules, others by name. */
        private Set<String> moduleFiles() throws IOException, InterruptedException {
            ModuleOrder order = ModuleOrder.of(kernel);
            Set<String> files = new LinkedHashSet<>();
            for (String name : modules) {
                if (built.containsKey(name)) {
                    files.add(name);
                } else {
                    files.addAll(order.load(List.of(name)));
                }
            }
            return files;
        }

        private void write(Path file, Set<String> moduleFiles, Map<String, byte[]> hostFiles,
                Map<String, byte[]> contents) throws IOException, InterruptedException {
            try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(file));
                    CpioArchive archive = new CpioArchive(stream)) {
                for (String folder : List.of("bin", "dev", "etc", "modules", "proc", "run", "sys", "tmp")) {
                    archive.folder(folder);
                }
                for (FileTree tree : trees) {
                    tree.write(archive);
                }
                for (Map.Entry<String, String> text : texts.entrySet()) {
                    boolean executable = text.getKey().equals("init") || text.getKey().startsWith("bin/");
                    archive.file(text.getKey(), executable ? 0755 : 0644, content(contents, text.getValue()));
                }
                for (Map.Entry<String, String> program : compiled.entrySet()) {
                    archive.file(program.getKey(), 0755, compile(program.getValue(), contents));
                }
                for (Map.Entry<String, byte[]> entry : hostFiles.entrySet()) {
                    archive.file(entry.getKey(), 0755, entry.getValue());
                }
                StringBuilder order = new StringBuilder();
                for (String module : moduleFiles) {
                    String name = ModuleOrder.name(module);
                    byte[] own = built.get(module);
                    archive.file("modules/" + name + ".ko", 0644,
                            own == null ? ModuleFile.unpacked(kernel.modules().resolve(module)) : own);
                    order.append("%s.ko %s".formatted(name, parameters.getOrDefault(name, "")).strip()).append('\n');
                }
                archive.file("modules/order", 0644, order.toString().getBytes(StandardCharsets.UTF_8));
            }
        }

        /** Busybox, and the requested programs with their libraries, by their paths in the guest. */
        private Map<String, byte[]> hostFiles() throws IOException, InterruptedException {
            Map<String, byte[]> files = new LinkedHashMap<>();
            files.put("bin/busybox", read(BUSYBOX, "the package busybox-static"));
            for (Map.Entry<String, Path> program : programs.entrySet()) {
                Path file = program.getValue();
                files.put(program.getKey(), read(file, "its package"));
                if (!ProgramFile.isDynamic(file)) continue;
                String said = HostCommand.text(List.of("ldd", file.toString()));
                if (said.contains("=> not found"))
                    throw new IOException("%s needs a library that is not here: %s".formatted(file, said.strip()));
                Matcher libraries = LIBRARY.matcher(said);
                while (libraries.find()) {
                    String library = libraries.group(1);
                    files.put(library.substring(1), Files.readAllBytes(Path.of(library)));
                }
            }
            return files;
        }

        private static byte[] read(Path file, String from) throws IOException {
            if (!Files.isReadable(file)) {
                throw new IOException(file + " is missing: run guest-tests/host/packages.sh tests, or install " + from);
            }
            return Files.readAllBytes(file);
        }

        private static byte[] compile(String source, Map<String, byte[]> sources)
                throws IOException, InterruptedException {
            Path folder = Files.createTempDirectory("sluice-build-");
            try {
                for (Map.Entry<String, byte[]> entry : sources.entrySet()) {
                    Files.write(folder.resolve(entry.getKey()), entry.getValue());
                }
                Path program = folder.resolve("program");
                List<String> command = new ArrayList<>(COMPILER);
                command.addAll(List.of(folder.resolve(source).toString(), "-o", program.toString()));
                HostCommand.output(command);
                return Files.readAllBytes(program);
            } finally {
                Folders.delete(folder);
            }
        }

        private static byte[] content(Map<String, byte[]> sources, String name) {
            byte[] content = sources.get(name);
            if (content == null)
                throw new IllegalArgumentException("no source " + name);
            return content;
        }

        private static byte[] resource(String name) throws IOException {
            try (InputStream stream = GuestImage.class.getResourceAsStream("files/" + name)) {
                if (stream == null)
                    throw new IOException("the jar lacks its file sluice/guest/files/" + name);
                return stream.readAllBytes();
            }
        }
    }
}
