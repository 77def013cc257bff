package sluice.guest.junit;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import org.opentest4j.AssertionFailedError;

import sluice.guest.DeviceProcess;
import sluice.guest.GuestImage;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.guest.Machine;
import sluice.guest.TestGpus;
import sluice.guest.build.KernelModule;
import sluice.guest.check.Finding;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.QemuBinary;

/**
 * The machine of a test class annotated with {@link SluiceMachine}: a guest that executes commands, and the process that serves its
 * devices. Used by one thread.
 */
public final class GuestMachine implements AutoCloseable {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    /** Time limit for a command in the guest. */
    private static final Duration COMMAND = Duration.ofSeconds(60);
    private static final String WITNESS = "witness";

    private final SluiceMachine wanted;
    private final String kernel;
    private final String qemu;
    private final GuestIommu iommu;
    private final List<DeviceProcess.Served> served;
    private @Nullable Machine machine;
    private @Nullable DeviceProcess process;

    GuestMachine(SluiceMachine wanted, String kernel, String qemu, GuestIommu iommu) {
        this.wanted = wanted;
        this.kernel = kernel;
        this.qemu = qemu;
        this.iommu = iommu;
        List<DeviceProcess.Served> devices = new ArrayList<>();
        if (wanted.witness())
            devices.add(new DeviceProcess.Served(WITNESS, WITNESS, false, iommu.untranslated()));
        for (int i = 0; i < wanted.devices().length; i++)
            devices.add(new DeviceProcess.Served("device" + i, wanted.devices()[i]));
        served = List.copyOf(devices);
    }

    /** The kernel, as the annotation names it. */
    public String kernel() {
        return kernel;
    }

    public GuestIommu iommu() {
        return iommu;
    }

    /**
     * Executes a command with the guest's shell.
     *
     * @return its status, and the lines printed meanwhile
     * @throws IOException the machine does not boot, the command has not ended within 60 s, or the kernel is broken
     */
    public Machine.Done run(String command) throws IOException, InterruptedException {
        return machine().run(command, COMMAND);
    }

    /**
     * Executes a command that must end with status 0.
     *
     * @return the lines printed meanwhile
     * @throws AssertionFailedError another status; the message has the lines
     */
    public List<String> succeed(String command) throws IOException, InterruptedException {
        Machine.Done done = run(command);
        if (done.status() != 0)
            throw new AssertionFailedError("%s ended with status %d:%n%s".formatted(command, done.status(),
                    String.join(System.lineSeparator(), done.lines())));
        return done.lines();
    }

    /**
     * The broken rules since the boot: DMA calls of the kernel and accesses of the devices.
     *
     * @throws AssertionFailedError calls of the kernel were lost, so an empty list would prove nothing
     */
    public List<Finding> findings() throws IOException, InterruptedException {
        return found().stream().filter(Finding::error).toList();
    }

    /** The hints since the boot: what is legal, and explains wrong bytes or lost time. */
    public List<Finding> hints() throws IOException, InterruptedException {
        return found().stream().filter(finding -> !finding.error()).toList();
    }

    private List<Finding> found() throws IOException, InterruptedException {
        List<JsonObject> reports = reports();
        if (wanted.witness()) {
            long lost = Finding.unseen(reports.getFirst(), reports.getLast());
            if (lost > 0)
                throw new AssertionFailedError(
                        "inconclusive: %d calls of the kernel were not seen or not kept".formatted(lost));
        }
        return Finding.of(reports.getLast());
    }

    /**
     * The current counters of a device, as its {@code --stats}.
     *
     * @param device its index in {@link SluiceMachine#devices}
     */
    public JsonObject report(int device) throws IOException, InterruptedException {
        return reports().get(device + (wanted.witness() ? 1 : 0));
    }

    private List<JsonObject> reports() throws IOException, InterruptedException {
        machine();
        DeviceProcess serving = process;
        if (serving == null) throw new IllegalStateException("the machine is closed");
        return serving.reports();
    }

    /** The machine itself, booted if it was not: its console, QMP, reboots. */
    public Machine machine() throws IOException, InterruptedException {
        Machine booted = machine;
        if (booted == null) {
            booted = boot();
            machine = booted;
        }
        return booted;
    }

    private Machine boot() throws IOException, InterruptedException {
        QemuBinary binary = qemu.isEmpty() ? InstalledQemu.withVfioUser(CACHE) : QemuBinary.find(Path.of(qemu));
        GuestImage image = image();
        DeviceProcess serving = DeviceProcess.start(TestGpus.launcher(),
                Arrays.stream(wanted.plugins()).map(Path::of).toList(), served);
        process = serving;
        return Machine.of(binary, image).backEnd(serving).iommu(iommu)
                .kernel(wanted.kernelArguments()).arguments(serving.qemuArguments()).boot(CACHE);
    }

    private GuestImage image() throws IOException, InterruptedException {
        GuestKernel booted = kernel.contains("/")
                ? GuestKernel.built(Path.of(kernel))
                : GuestKernel.named(kernel, CACHE);
        GuestImage.Builder image = GuestImage.of(booted);
        if (iommu == GuestIommu.VIRTIO) image.module("virtio-iommu");
        // Before the drivers whose calls it reports, after the IOMMU's driver.
        if (wanted.witness()) image.module(KernelModule.build(booted.headers(CACHE), WITNESS, CACHE), "");
        for (String module : wanted.modules()) {
            String[] words = module.split(" ", 2);
            if (words[0].endsWith(".ko")) {
                image.moduleFile(Path.of(words[0]), words.length == 2 ? words[1] : "");
            } else {
                image.moduleLine(module);
            }
        }
        for (String source : wanted.compiled()) image.compiled(source);
        for (String program : wanted.programs()) image.program(Path.of(program));
        return image.build(CACHE);
    }

    /** Kills the machine, and ends the process that serves its devices. */
    @Override
    public void close() throws IOException {
        Machine booted = machine;
        machine = null;
        process = null;
        if (booted != null) booted.close();
    }

    /** As in {@code newest kernel, IOMMU intel-strict}. */
    @Override
    public String toString() {
        return "%s kernel%s, %s".formatted(kernel, qemu.isEmpty() ? "" : ", " + qemu,
                iommu == GuestIommu.NONE ? "no IOMMU" : "IOMMU " + iommu.label());
    }
}
