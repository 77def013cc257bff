package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

import sluice.guest.build.Folders;
import sluice.vdev.qemu.HostCommand;
import sluice.vdev.qemu.QemuHint;

/** A child process {@code sluice serve} with PCI functions over vfio-user, sockets and reports in a private folder. Closing it ends it. */
public final class DeviceProcess implements Closeable {
    /** A launcher may have to build first. */
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final String ERROR_FILE = "stderr";

    private final Path folder;
    private final List<Served> devices;
    private final ChildProcess child;
    private final Console output;

    private DeviceProcess(Path folder, List<Served> devices, List<String> command) throws IOException {
        this.folder = folder;
        this.devices = List.copyOf(devices);
        child = new ChildProcess(
                new ProcessBuilder(command).redirectError(folder.resolve(ERROR_FILE).toFile()).start(), folder);
        output = Console.of("sluice serve", child.process(), this::errors);
    }

    /**
     * A device to be served.
     *
     * @param name of its socket and its report; unique in the process
     * @param description the device and its options, as {@code --device} of {@code sluice serve} takes them, without
     * {@code socket-path}, {@code stats} and {@code snapshot-dir}
     * @param shows whether it has a screen, whose picture it writes
     * @param bus where QEMU is to attach it
     */
    public record Served(String name, String description, boolean shows, QemuBus bus) {
        /** A device without a screen. */
        public Served(String name, String description) {
            this(name, description, false, QemuBus.NONE);
        }

        private String argument(Path folder) {
            int comma = description.indexOf(',');
            String device = comma < 0 ? description : description.substring(0, comma);
            return "--device=%s,socket-path=%s,stats=%s%s%s".formatted(device, socket(folder), report(folder),
                    shows ? ",snapshot-dir=" + folder : "", comma < 0 ? "" : description.substring(comma));
        }

        private Path socket(Path folder) {
            return folder.resolve(name);
        }

        private Path report(Path folder) {
            return folder.resolve(name + ".json");
        }
    }

    /**
     * Starts the process, and waits until QEMU can connect.
     *
     * @param launcher the command {@code sluice}
     * @param plugins jars with devices
     * @param devices in the order in which QEMU is to attach them
     * @throws IOException it ended, or was not ready in 90 s; the message has its output
     */
    public static DeviceProcess start(List<String> launcher, List<Path> plugins, List<Served> devices)
            throws IOException, InterruptedException {
        return start(launcher, plugins, devices, null);
    }

    /**
     * The same with a profile.
     *
     * @param profile folder of the profile, or null; {@link #end} writes its report
     */
    public static DeviceProcess start(List<String> launcher, List<Path> plugins, List<Served> devices,
            @Nullable Path profile) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-devices-");
        DeviceProcess process;
        try {
            List<String> command = new ArrayList<>(launcher);
            command.add("serve");
            command.addAll(arguments(folder, plugins, devices));
            if (profile != null) command.add("--profile=" + profile);
            process = new DeviceProcess(folder, devices, command);
        } catch (IOException | RuntimeException e) {
            Folders.delete(folder);
            throw e;
        }
        boolean ready = false;
        try {
            for (int i = 0; i < devices.size(); i++) process.output.waitFor("^listening on ", START);
            ready = true;
            return process;
        } finally {
            if (!ready) process.close();
        }
    }

    /** Arguments of {@code sluice serve}, with sockets and reports in a folder. */
    public static List<String> arguments(Path folder, List<Path> plugins, List<Served> devices) {
        List<String> arguments = new ArrayList<>();
        for (Path plugin : plugins) arguments.add("--plugin=" + plugin);
        for (Served device : devices) arguments.add(device.argument(folder));
        return arguments;
    }

    /** What {@code -device} of QEMU takes for each, with sockets in a folder: in order, and then those on other buses. */
    public static List<String> qemuDevices(Path folder, List<Served> devices) {
        List<String> all = new ArrayList<>();
        List<String> last = new ArrayList<>();
        for (Served device : devices) {
            List<String> to = device.bus.equals(QemuBus.NONE) ? all : last;
            to.addAll(device.bus.devices());
            to.add(QemuHint.function(device.socket(folder), device.bus.id()));
        }
        all.addAll(last);
        return all;
    }

    /** QEMU's arguments for all devices, after all others of the machine. */
    public List<String> qemuArguments() {
        List<String> arguments = new ArrayList<>();
        for (String device : qemuDevices(folder, devices)) arguments.addAll(List.of("-device", device));
        return arguments;
    }

    /**
     * The current reports of all devices: counters, findings, hints.
     *
     * @return in the order of the devices
     * @throws IOException they were not written within 10 s
     */
    public List<JsonObject> reports() throws IOException, InterruptedException {
        ask();
        for (int i = 0; i < devices.size(); i++) output.waitFor("^statistics ", SOON);
        List<JsonObject> reports = new ArrayList<>();
        for (Served device : devices)
            reports.add(JsonParser.parseString(Files.readString(device.report(folder))).getAsJsonObject());
        return reports;
    }

    /**
     * The picture on the screen of the only device that has one, now or at a moment before that came after the last report or picture.
     *
     * @throws IOException it was not written within 10 s: perhaps the screen is off
     */
    public Picture picture() throws IOException, InterruptedException {
        ask();
        Path file = null;
        for (int reports = 0; reports < devices.size() || file == null;) {
            Matcher line = output.waitFor("^statistics |^snapshot (.+)$", SOON);
            if (line.group(1) == null) {
                reports++;
            } else {
                file = Path.of(line.group(1));
            }
        }
        Picture picture = Picture.read(file);
        Files.delete(file);
        return picture;
    }

    private void ask() throws IOException, InterruptedException {
        HostCommand.output(List.of("kill", "-USR2", Long.toString(child.process().pid())));
    }

    /** Its standard error until now; empty if nothing. */
    public String errors() {
        try {
            return Files.readString(folder.resolve(ERROR_FILE), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return "(the output of sluice serve cannot be read: " + e.getMessage() + ")";
        }
    }

    /**
     * Ends the process, and waits for what it writes at its end, such as a profile.
     *
     * @throws IOException it did not end in time, or with an error; the message has its output
     */
    public void end(Duration limit) throws IOException, InterruptedException {
        Process process = child.process();
        process.destroy();
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
            throw new IOException(
                    "sluice serve still runs %s after its end was asked for: %s".formatted(limit, errors()));
        if (process.exitValue() != 0)
            throw new IOException("sluice serve ended with %d: %s".formatted(process.exitValue(), errors()));
    }

    @Override
    public void close() throws IOException {
        child.close();
    }
}
