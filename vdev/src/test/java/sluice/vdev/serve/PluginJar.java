package sluice.vdev.serve;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

import static org.assertj.core.api.Assertions.assertThat;

/** Builds jars of plug-ins. */
public final class PluginJar {
    public static final String SERVICE = "META-INF/services/sluice.vdev.plugin.DeviceProvider";

    /** A provider of PCI functions with one register, which is the option {@code value}. */
    private static final String PROVIDER = """
            package plugged;
            import java.util.List;
            import sluice.vdev.device.*;
            import sluice.vdev.pci.*;
            import sluice.vdev.plugin.*;
            public final class CLASS implements DeviceProvider {
                public String name() { return "DEVICE"; }
                public String description() { return "One register."; }
                public List<DeviceOption> options() {
                    return List.of(new DeviceOption("value", "N", "What the register is."));
                }
                public ProvidedDevice create(DeviceOptions options, DeviceEnvironment environment) throws WrongOptionException {
                    long value = options.number("value", 1, 0, 255);
                    if (value == 13) throw new IllegalStateException("thirteen");
                    return new ProvidedDevice.Function(new Register(value));
                }
                public static final class Register implements PciFunction, AutoCloseable {
                    private final List<Bar> bars = List.of(Bar.registers(0, 4096));
                    private final ConfigSpace config = new ConfigLayout(0x1234, 0x5678, 0, 0).bars(bars).build();
                    private final long value;
                    Register(long value) { this.value = value; }
                    public ConfigSpace config() { return config; }
                    public List<Bar> bars() { return bars; }
                    public void start(FunctionContext context) {}
                    public long read(int bar, long offset, int size) { return value; }
                    public void write(int bar, long offset, int size, long written) {
                        throw new IllegalStateException("a device that fails");
                    }
                    public void reset() {}
                    public void close() { System.out.println("closed register " + value); }
                }
            }
            """;

    private PluginJar() {}

    /** A jar with one provider, whose class is {@code plugged.CLASS}, of a device. */
    public static Path build(Path folder, String className, String device) throws IOException {
        Path classes = Files.createDirectories(folder.resolve("classes-" + className));
        Path source = folder.resolve(className + ".java");
        Files.writeString(source, PROVIDER.replace("CLASS", className).replace("DEVICE", device));
        int status = ToolProvider.getSystemJavaCompiler().run(null, null, null, "-nowarn", "-proc:none", "-d",
                classes.toString(), "-cp", System.getProperty("java.class.path"), source.toString());
        assertThat(status).as("errors of the compiler").isZero();
        return pack(folder.resolve(className + ".jar"), classes, "plugged." + className);
    }

    /** A jar of everything below a folder, with this text as the list of its providers; none if it is empty. */
    public static Path pack(Path jar, Path classes, String providers) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.walk(classes)) {
            files = all.filter(Files::isRegularFile).toList();
        }
        try (OutputStream stream = Files.newOutputStream(jar); JarOutputStream out = new JarOutputStream(stream)) {
            for (Path file : files) {
                out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
                Files.copy(file, out);
            }
            if (!providers.isEmpty()) {
                out.putNextEntry(new JarEntry(SERVICE));
                out.write(providers.getBytes(StandardCharsets.UTF_8));
            }
        }
        return jar;
    }
}
