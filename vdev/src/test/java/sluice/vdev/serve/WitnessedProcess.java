package sluice.vdev.serve;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.device.PciFunction;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.witness.WitnessProvider;

/** A function and a witness beside it, served as {@code ./sluice serve} does, in the JVM of a test. */
public final class WitnessedProcess implements Closeable {
    private static final String WITNESS = "witness";
    private static final String CARD = "card";

    private final Findings findings;
    private final ServerProcess process;
    private final Path folder = Files.createTempDirectory("witnessed");
    private final DeviceServer witness;
    private final DeviceServer card;

    /**
     * A function that a test has made.
     *
     * @param snoops whether the function snoops the CPU's caches; one that does not has modelled ones
     */
    public WitnessedProcess(PciFunction function, boolean snoops) throws IOException, WrongOptionException {
        this(new Findings(), new Making(CARD, new ProvidedDevice.Function(function)),
                Map.of("coherency", List.of(snoops ? "coherent" : "non-coherent")));
    }

    private WitnessedProcess(Findings findings, DeviceProvider provider, Map<String, List<String>> options)
            throws IOException, WrongOptionException {
        this(DmaCore.open(DmaCoreOptions.counting().withExecutor(
                new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings), findings, provider,
                options);
    }

    /** A function of a provider, in the process of other devices, which share buffers through {@code core}. */
    public WitnessedProcess(DmaCore core, Findings findings, DeviceProvider provider,
            Map<String, List<String>> options) throws IOException, WrongOptionException {
        this.findings = findings;
        process = new ServerProcess(core);
        process.openWitness();
        witness = serve(new WitnessProvider(), WITNESS, Map.of());
        card = serve(provider, CARD, options);
    }

    private DeviceServer serve(DeviceProvider provider, String name, Map<String, List<String>> options)
            throws IOException, WrongOptionException {
        DeviceServer server = DeviceServer.make(provider, new DeviceOptions(options), name, process);
        server.listen(BoundSocket.listen(folder.resolve(name), SocketAccess.OWNER));
        return server;
    }

    /** Where front-ends connect: the witness's and the function's. */
    public List<Path> sockets() {
        return List.of(folder.resolve(WITNESS), folder.resolve(CARD));
    }

    /** What was found, of all devices. */
    public Findings findings() {
        return findings;
    }

    @Override
    public void close() throws IOException {
        card.close();
        witness.close();
        process.close();
        Files.delete(folder);
    }
}
