package sluice.vdev.serve;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.witness.Witness;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.IoSpace;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.Report;
import sluice.vdev.device.Screens;
import sluice.vdev.device.StrayRead;
import sluice.vdev.device.Workers;
import sluice.vdev.host.HostLoop;

/** The environment of one device, and what the device has registered in it. */
final class Environment implements DeviceEnvironment {
    private final HostLoop loop;
    private final Workers workers;
    private final FenceDomain fences;
    private final DmaCore core;
    private final @Nullable Witness witness;
    private final InputSeats seats;
    private final @Nullable Screens screens;
    private final CommonOptions options;
    private final Share share;
    private final FileMappings files;
    private final Report report = new Report();
    private final Deque<Closeable> closing = new ArrayDeque<>();
    private final List<Runnable> early = new ArrayList<>();
    private @Nullable IoSpace space;
    private @Nullable Runnable show;
    private boolean strays;
    private boolean attaches;

    Environment(String name, ServerProcess process, CommonOptions options) {
        core = process.core();
        fences = process.fences();
        witness = process.witness();
        seats = process.seats();
        screens = process.screens();
        this.options = options;
        share = Budget.ofProcess().share(name);
        files = FileMappings.ofProcess().paidBy(share);
        loop = HostLoop.start(name, share);
        workers = process.workers().of(loop);
    }

    @Override
    public String name() {
        return loop.name();
    }

    @Override
    public HostLoop loop() {
        return loop;
    }

    @Override
    public Workers workers() {
        return workers;
    }

    @Override
    public FenceDomain fences() {
        return fences;
    }

    @Override
    public DmaCore core() {
        return core;
    }

    @Override
    public Stream stream() {
        return options.stream();
    }

    @Override
    public DeviceDmaParams dmaParams(DeviceDmaParams own) {
        attaches = true;
        return options.constraints().narrow(own);
    }

    @Override
    public Share share() {
        return share;
    }

    @Override
    public FileMappings files() {
        return files;
    }

    @Override
    public FaultPolicy onFault() {
        return options.onFault();
    }

    @Override
    public @Nullable Witness witness() {
        return witness;
    }

    @Override
    public InputSeats seats() {
        return seats;
    }

    @Override
    public @Nullable Screens screens() {
        return screens;
    }

    @Override
    public Report report() {
        return report;
    }

    @Override
    public void reachesThrough(IoSpace own) {
        if (space != null) throw new IllegalStateException(name() + " can have only one address space of its own");
        space = own;
        for (Rule rule : options.injections().space()) own.inject(rule);
    }

    @Override
    public @Nullable StrayRead strayRead() {
        strays = true;
        return options.injections().stray();
    }

    @Override
    public void whenAsked(Runnable task) {
        show = task;
    }

    @Override
    public void whenServed(Runnable task) {
        early.add(task);
    }

    /** On a thread that serves nobody: what the device does before it has to. */
    void prepare() {
        for (Runnable task : early) {
            try {
                task.run();
            } catch (RuntimeException | LinkageError e) {
                loop.log().warn("{}: its first requests will take longer, because preparing them failed: {}", name(),
                        e.toString());
            }
        }
    }

    @Override
    public void closeAtEnd(Closeable thing) {
        closing.push(thing);
    }

    /** The device's own address space, apart from its front-end's mappings, or null. */
    @Nullable
    IoSpace space() {
        return space;
    }

    /** Whether the device attaches to buffers, with what a user has said that it cannot do. */
    boolean attaches() {
        return attaches;
    }

    /** Whether the device supports stray reads, for fault injection. */
    boolean strays() {
        return strays;
    }

    /** On the loop: the device writes its pictures. */
    void show() {
        Runnable present = show;
        if (present != null) present.run();
    }

    /**
     * Releases all of the device's resources when it is closed.
     *
     * @throws IOException a resource registered by the device could not be closed
     */
    void close() throws IOException {
        IOException failure = null;
        for (Closeable thing : closing) {
            try {
                thing.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        loop.stop();
        share.close();
        if (failure != null) throw failure;
    }
}
