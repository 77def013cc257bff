package sluice.vdev.serve;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;

/** A device that its provider has made, served as {@code ./sluice serve} does, in the JVM of a test. */
public final class ServedDevice implements AutoCloseable {
    private final ServerProcess process;
    private final Path folder = Files.createTempDirectory("served");
    private final Path socket = folder.resolve("socket");
    private final Path report = folder.resolve("report.json");
    private final DeviceServer server;

    /**
     * Serves a device from now on.
     *
     * @param namesAndValues options as on the command line, a name and its value in turn
     */
    public ServedDevice(DeviceProvider provider, String... namesAndValues) throws IOException, WrongOptionException {
        this(DmaCore.open(DmaCoreOptions.counting()), provider, namesAndValues);
    }

    /** The same in the process of other devices, which share buffers through {@code core}. */
    public ServedDevice(DmaCore core, DeviceProvider provider, String... namesAndValues)
            throws IOException, WrongOptionException {
        this(core, provider, listed(namesAndValues));
    }

    /** The same with options of several values. */
    public static ServedDevice of(DmaCore core, DeviceProvider provider, Map<String, List<String>> options)
            throws IOException, WrongOptionException {
        return new ServedDevice(core, provider, options);
    }

    private static Map<String, List<String>> listed(String... namesAndValues) {
        Map<String, List<String>> options = new HashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2)
            options.put(namesAndValues[i], List.of(namesAndValues[i + 1]));
        return options;
    }

    private ServedDevice(DmaCore core, DeviceProvider provider, Map<String, List<String>> given)
            throws IOException, WrongOptionException {
        process = new ServerProcess(core);
        Map<String, List<String>> options = new HashMap<>(given);
        options.put("stats", List.of(report.toString()));
        boolean serves = false;
        try {
            server = DeviceServer.make(provider, new DeviceOptions(options), provider.name(), process);
            server.listen(BoundSocket.listen(socket, SocketAccess.OWNER));
            serves = true;
        } finally {
            if (!serves) {
                process.close();
                Files.delete(folder);
            }
        }
    }

    /** Serves a virtio device that a test has made. */
    public ServedDevice(String name, VirtioDevice device, String... namesAndValues)
            throws IOException, WrongOptionException {
        this(new Making(name, new ProvidedDevice.Virtio(device)), namesAndValues);
    }

    /** Where front-ends connect. */
    public Path socket() {
        return socket;
    }

    /** Where viewers send their input to. */
    public InputSeats seats() {
        return process.seats();
    }

    private Fd connect() throws IOException {
        return UnixSocket.connect(socket);
    }

    /** A front-end that is connected over vhost-user. */
    public FrontEnd frontEnd() throws IOException {
        return new FrontEnd(connect());
    }

    /** A client that is connected over vfio-user; the version is agreed on. */
    public VfioUserClient client() throws IOException {
        VfioUserClient client = new VfioUserClient(connect());
        client.agree();
        return client;
    }

    /** Ends it; the report that it leaves as JSON. */
    public String end() throws IOException {
        try {
            stop();
            if (server.failure() != null) throw new AssertionError(server.failure());
            return Files.readString(report);
        } finally {
            close();
        }
    }

    private void stop() {
        server.close();
        process.close();
    }

    @Override
    public void close() {
        stop();
        try {
            Files.deleteIfExists(report);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
