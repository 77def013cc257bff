package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

import sluice.guest.build.Folders;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * A JVM that runs in a guest: linked by this host's JDK from the few modules that tests need, with this host's C library. It
 * is kept in the cache folder, in a place for each JDK.
 */
final class GuestJvm {
    private static final String PARENT = "opt";
    private static final String FOLDER = PARENT + "/jvm";
    /** Where it is in the guest. */
    static final String JAVA = "/" + FOLDER + "/bin/java";
    /** JUnit logs by java.logging and looks into jars by jdk.zipfs; AssertJ and the tests need nothing more. */
    private static final String MODULES = "java.base,java.logging,jdk.unsupported,jdk.zipfs";
    private static final Pattern LIBRARY = Pattern.compile("(?:=> |^\\s*)(/\\S+) \\(0x", Pattern.MULTILINE);

    private GuestJvm() {}

    /** The folder that holds it as it is to be in the guest's root; linked if it is not there yet, which takes 10 s. */
    static Path folder(CacheFolder cache) throws IOException, InterruptedException {
        Path home = Path.of(System.getProperty("java.home"));
        CRC32 place = new CRC32();
        place.update((home + " " + MODULES).getBytes(UTF_8));
        Path folder = cache.folder("jvm").resolve(System.getProperty("java.vm.version") + "-"
                + HexFormat.of().toHexDigits((int) place.getValue()));
        return Folders.make(folder, unfinished -> link(home, unfinished));
    }

    private static void link(Path home, Path root) throws IOException, InterruptedException {
        Path jvm = root.resolve(FOLDER);
        Files.createDirectories(root.resolve(PARENT)); // jlink makes the last folder itself
        // An archive of loaded classes saves an emulated CPU seconds at each start.
        HostCommand.output(List.of(home.resolve("bin/jlink").toString(), "--add-modules", MODULES, "--strip-debug",
                "--no-man-pages", "--no-header-files", "--generate-cds-archive", "--output", jvm.toString()));
        Files.deleteIfExists(jvm.resolve("lib/server/classes_nocoops.jsa")); // for heaps above 32 GB
        List<Path> programs;
        try (Stream<Path> all = Files.walk(jvm)) {
            programs = all.filter(file -> file.endsWith("bin/java") || file.toString().endsWith(".so")).toList();
        }
        for (Path program : programs) {
            Matcher libraries = LIBRARY.matcher(HostCommand.text(List.of("ldd", program.toString())));
            while (libraries.find()) {
                Path library = Path.of(libraries.group(1));
                Path inGuest = root.resolve(library.toString().substring(1));
                if (library.startsWith(root) || Files.exists(inGuest)) continue;
                Files.createDirectories(inGuest.getParent());
                Files.copy(library, inGuest);
            }
        }
    }

    /** The jar that has a resource. */
    static byte[] jarWith(String resource) throws IOException {
        URL found = Objects.requireNonNull(GuestJvm.class.getClassLoader().getResource(resource), resource);
        return Files.readAllBytes(Path.of(URI.create(found.getPath().replaceFirst("!.*", ""))));
    }

    /** Where a class was loaded from, as one jar: that very jar, or a new one of what is in its folder. */
    static byte[] jarOf(Class<?> type) throws IOException {
        Path source = Path.of(type.getProtectionDomain().getCodeSource().getLocation().getPath());
        if (!Files.isDirectory(source)) return Files.readAllBytes(source);
        List<Path> files;
        try (Stream<Path> all = Files.walk(source)) {
            // JUnit reads one such file only.
            files = all.filter(file -> !file.equals(source) && !file.endsWith("junit-platform.properties")).sorted()
                    .toList();
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream jar = new ZipOutputStream(bytes)) {
            for (Path file : files) {
                // Folders too: JUnit finds a package by asking the class loader for its folder.
                boolean folder = Files.isDirectory(file);
                jar.putNextEntry(new ZipEntry(source.relativize(file) + (folder ? "/" : "")));
                if (!folder) Files.copy(file, jar);
                jar.closeEntry();
            }
        }
        return bytes.toByteArray();
    }
}
