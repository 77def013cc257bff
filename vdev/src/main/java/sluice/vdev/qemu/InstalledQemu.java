package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A QEMU of this host and its devices.
 *
 * @param devices the devices it was built with
 */
public record InstalledQemu(QemuBinary binary, Set<QemuDevice> devices) {
    private static final String PROBES = "qemu-probes";

    /** Keeps a copy of the set. */
    public InstalledQemu {
        devices = devices.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(devices));
    }

    /**
     * All QEMUs: the configured one, the one in {@code $PATH}, and those unpacked by {@code packages.sh tests}; each
     * once. One that does not run is omitted.
     *
     * @param problems receives a sentence for each omitted one
     */
    public static List<InstalledQemu> all(CacheFolder cache, List<String> problems)
            throws IOException, InterruptedException {
        List<Path> paths = new ArrayList<>();
        Optional.ofNullable(QemuBinary.setting()).ifPresent(paths::add);
        QemuBinary.inPath().ifPresent(paths::add);
        paths.addAll(unpacked(cache));
        List<InstalledQemu> found = new ArrayList<>();
        for (Path path : paths.stream().distinct().toList()) {
            try {
                found.add(of(path, cache));
            } catch (IOException broken) {
                problems.add(String.valueOf(broken.getMessage()));
            }
        }
        return found;
    }

    /**
     * The first of {@link #all} that attaches devices over vfio-user.
     *
     * @throws IOException there is none; the message names the script that unpacks one
     */
    public static QemuBinary withVfioUser(CacheFolder cache) throws IOException, InterruptedException {
        for (InstalledQemu qemu : all(cache, new ArrayList<>())) {
            if (qemu.devices.contains(QemuDevice.VFIO_USER)) return qemu.binary;
        }
        throw new IOException(
                "no QEMU here has vfio-user-pci, as QEMU 10.1 and later do: run guest-tests/host/packages.sh tests, which unpacks one");
    }

    private static List<Path> unpacked(CacheFolder cache) throws IOException {
        Path folder = cache.path().resolve("qemu");
        if (!Files.isDirectory(folder)) return List.of();
        try (Stream<Path> suites = Files.list(folder)) {
            return suites.map(suite -> suite.resolve(QemuBinary.NAME)).filter(Files::isExecutable).sorted().toList();
        }
    }

    /**
     * Queries a program's devices. The answer is cached until the program changes, because listing devices loads all of
     * QEMU's modules and takes up to a second.
     *
     * @throws IOException it cannot be run, or is not QEMU
     */
    public static InstalledQemu of(Path path, CacheFolder cache) throws IOException, InterruptedException {
        if (!Files.isExecutable(path)) throw new IOException(path + " is not an executable file");
        // An answer is of no use to a Sluice that looks for other devices.
        String key = "%s %d %d %d".formatted(path.toAbsolutePath(), Files.size(path),
                Files.getLastModifiedTime(path).toMillis(), QemuDevice.values().length);
        Path file = cache.path().resolve(PROBES).resolve(path.toAbsolutePath().toString().replace('/', '_'));
        if (Files.isReadable(file)) {
            List<String> lines = Files.readAllLines(file);
            if (lines.size() >= 2 && lines.getFirst().equals(key))
                return new InstalledQemu(new QemuBinary(path, lines.get(1)), named(lines.subList(2, lines.size())));
        }
        InstalledQemu asked = ask(path);
        if (Files.isDirectory(cache.path())) keep(asked, key, file);
        return asked;
    }

    private static InstalledQemu ask(Path path) throws IOException, InterruptedException {
        QemuBinary binary = QemuBinary.at(path);
        String help = HostCommand.text(List.of(path.toString(), "-device", "help"));
        Set<QemuDevice> devices = EnumSet.noneOf(QemuDevice.class);
        for (QemuDevice device : QemuDevice.values()) {
            if (help.contains("name \"" + device.model() + "\"")) devices.add(device);
        }
        return new InstalledQemu(binary, devices);
    }

    private static void keep(InstalledQemu asked, String key, Path file) throws IOException {
        List<String> lines = new ArrayList<>(List.of(key, asked.binary.version()));
        asked.devices.forEach(device -> lines.add(device.model()));
        Files.createDirectories(file.getParent());
        Path unfinished = Files.createTempFile(file.getParent(), "unfinished-", "");
        Files.write(unfinished, lines, StandardCharsets.UTF_8);
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static Set<QemuDevice> named(List<String> models) {
        Set<String> wanted = new TreeSet<>(models);
        Set<QemuDevice> devices = EnumSet.noneOf(QemuDevice.class);
        for (QemuDevice device : QemuDevice.values()) {
            if (wanted.contains(device.model())) devices.add(device);
        }
        return devices;
    }

    /** What it has and lacks, for messages. */
    public String sentence() {
        List<String> has = new ArrayList<>();
        List<String> lacks = new ArrayList<>();
        for (QemuDevice device : QemuDevice.values()) {
            (devices.contains(device) ? has : lacks).add(device.model());
        }
        String sentence = binary.path() + (has.isEmpty() ? "" : ", has " + String.join(", ", has))
                + (binary.wantsKvmForVhostUser() ? " (under KVM only)" : "");
        return sentence + (lacks.isEmpty() ? "" : ", lacks " + String.join(", ", lacks));
    }
}
