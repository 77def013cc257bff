package sluice.vdev.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.zip.ZipException;

import org.jspecify.annotations.Nullable;

import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.WrongOptionException;

/**
 * The available devices: Sluice's own and those of plug-ins. Each jar has a class loader of its own with Sluice's as
 * parent, so two plug-ins may use different versions of one library; the Class-Path of a jar's manifest names other
 * jars that it needs. The loaders stay open, because devices load classes lazily.
 */
public final class DeviceCatalog {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]*");
    /**
     * The classes of Sluice's own providers. Names only: this room knows no device. ServiceLoader would open Sluice's jar at each start,
     * which takes a tenth of its time.
     */
    private static final List<String> OWN = List.of("sluice.vdev.display.GpuProvider",
            "sluice.vdev.feed.InputProvider", "sluice.vdev.grabber.GrabberProvider",
            "sluice.vdev.tw686x.Tw686xProvider", "sluice.vdev.vfg7350.Vfg7350Provider",
            "sluice.vdev.witness.WitnessProvider", "sluice.vdev.media.CodecProvider");

    /**
     * A kind of device.
     *
     * @param plugin its jar, or null for Sluice's own
     */
    public record Entry(DeviceProvider provider, @Nullable Path plugin) {
        private String origin() {
            return plugin == null ? "Sluice itself" : plugin.toString();
        }
    }

    private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();

    private DeviceCatalog() {}

    /**
     * Finds all devices.
     *
     * @param plugins jars
     * @throws IOException a jar is missing, has no usable provider, or two devices have the same name
     */
    public static DeviceCatalog of(List<Path> plugins) throws IOException {
        DeviceCatalog catalog = new DeviceCatalog();
        for (DeviceProvider provider : own()) catalog.add(new Entry(provider, null));
        for (Path plugin : plugins) catalog.add(plugin);
        return catalog;
    }

    /** Sluice's own devices. */
    public static List<DeviceProvider> own() {
        List<DeviceProvider> own = new ArrayList<>();
        for (String provider : OWN) {
            try {
                own.add(Class.forName(provider).asSubclass(DeviceProvider.class).getConstructor().newInstance());
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(provider + " cannot be created", e);
            }
        }
        return own;
    }

    private void add(Path plugin) throws IOException {
        if (!Files.exists(plugin)) throw new IOException("--plugin=" + plugin + ": no such file");
        if (!Files.isRegularFile(plugin))
            throw new IOException("--plugin=" + plugin + " is not a jar: it is not a regular file");
        try (JarFile jar = new JarFile(plugin.toFile())) {
            if (jar.getEntry("META-INF/services/" + DeviceProvider.class.getName()) == null) {
                throw new IOException("--plugin=%s has no device: the jar lacks META-INF/services/%s".formatted(plugin,
                        DeviceProvider.class.getName()));
            }
        } catch (ZipException e) {
            throw new IOException("--plugin=%s is not a jar: %s".formatted(plugin, e.getMessage()), e);
        }
        int before = entries.size();
        add(loader(plugin), plugin);
        if (entries.size() == before) {
            throw new IOException("--plugin=%s has no device: its META-INF/services/%s does not name a class of the jar"
                    .formatted(plugin, DeviceProvider.class.getName()));
        }
    }

    private static URLClassLoader loader(Path plugin) {
        try {
            return new URLClassLoader("plugin " + plugin, new URL[]{ plugin.toUri().toURL() },
                    DeviceCatalog.class.getClassLoader());
        } catch (MalformedURLException impossible) {
            throw new UncheckedIOException("a file always has a URL", impossible);
        }
    }

    private void add(ClassLoader loader, Path plugin) throws IOException {
        try {
            for (ServiceLoader.Provider<DeviceProvider> found : ServiceLoader.load(DeviceProvider.class, loader)
                    .stream()
                    .toList()) {
                // A plug-in's loader also finds the providers of its parent.
                if (Objects.equals(found.type().getClassLoader(), loader)) add(new Entry(found.get(), plugin));
            }
        } catch (ServiceConfigurationError | LinkageError e) {
            throw new IOException(
                    "--plugin=%s cannot be loaded as a plug-in; was it built for this version of Sluice? %s"
                            .formatted(plugin, reason(e)),
                    e);
        }
    }

    private static String reason(Error e) {
        Throwable cause = e.getCause();
        return cause == null ? String.valueOf(e.getMessage()) : e.getMessage() + ": " + cause;
    }

    private void add(Entry entry) throws IOException {
        String name = entry.provider.name();
        if (!NAME.matcher(name).matches()) {
            throw new IOException("%s names a device \"%s\": use small letters, digits and hyphens".formatted(
                    entry.origin(), name));
        }
        Entry other = entries.putIfAbsent(name, entry);
        if (other != null) {
            throw new IOException("two devices are named %s, one of %s and one of %s: leave one out, or rename it"
                    .formatted(name, other.origin(), entry.origin()));
        }
    }

    /** All devices, Sluice's own first. */
    List<Entry> all() {
        return List.copyOf(entries.values());
    }

    /** The device with this name, or null. */
    public @Nullable Entry find(String name) {
        return entries.get(name);
    }

    /** A device that is to be served, with its options. */
    public record Chosen(DeviceProvider provider, DeviceOptions options) {}

    /**
     * The devices of a command line.
     *
     * @throws WrongOptionException a device is unknown, an option is, or two devices have the same socket
     */
    public List<Chosen> choose(List<DeviceArgument> devices) throws WrongOptionException {
        List<Chosen> all = new ArrayList<>();
        Set<List<String>> sockets = new HashSet<>();
        for (DeviceArgument device : devices) {
            Entry kind = find(device.name());
            if (kind == null) {
                throw new WrongOptionException(
                        "unknown device \"%s\"; the devices are %s".formatted(device.name(), names()));
            }
            DeviceOptions options = device.optionsOf(kind.provider());
            String where = options.isGiven("fd") ? "fd" : "socket-path";
            String socket = String.valueOf(options.text(where));
            if (!sockets.add(List.of(where, socket))) {
                throw new WrongOptionException(
                        "%s=%s is used by two devices; each needs its own".formatted(where, socket));
            }
            all.add(new Chosen(kind.provider(), options));
        }
        return all;
    }

    /** The names of those that a plug-in has brought; at least one. */
    public List<String> namesOf(Path plugin) {
        return entries.entrySet().stream().filter(entry -> plugin.equals(entry.getValue().plugin()))
                .map(Map.Entry::getKey).toList();
    }

    /** Their names, for messages. */
    public String names() {
        return String.join(", ", entries.keySet());
    }
}
