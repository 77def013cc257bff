package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import sluice.guest.DriverTrace;
import sluice.guest.GuestImage;
import sluice.guest.GuestIommu;
import sluice.guest.GuestKernel;
import sluice.guest.Machine;
import sluice.guest.Picture;
import sluice.guest.build.KernelModule;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** A machine with a card, the witness, and a guest that executes commands. */
final class CheckMachine implements Closeable {
    /** A BAR that is memory, for vfio-pci to export; {@code guest/exporters.h} knows where it is. */
    private static final List<String> BAR = List.of("-object", "memory-backend-memfd,id=bar,size=4M,share=on",
            "-device",
            "ivshmem-plain,memdev=bar,addr=0x1e");
    private static final Duration SOON = Duration.ofSeconds(30);
    /** KiB of each processor: a guest under TCG prints about 100 KB a second. */
    private static final String TRACE_SIZE = "sluice.trace=512";
    private static final Duration TRACE_READ = Duration.ofSeconds(90);
    private static final Pattern UNLOADED = Pattern.compile("^SLUICE error insmod (\\S+)\\.ko$");
    /** The functions with slots assigned by QEMU; those of the chipset and with fixed slots are above. */
    private static final String FUNCTIONS = "for d in /sys/bus/pci/devices/0000:00:[01][0-9a-d].0; do echo SLUICE function ${d##*/} $(cat $d/vendor $d/device | tr '\\n' ' ')/ $(basename \"$(readlink $d/driver)\"); done";
    private static final Pattern FUNCTION = Pattern
            .compile("^SLUICE function (\\S+) 0x([0-9a-f]{4} 0x[0-9a-f]{4}) / ?(.*)$");

    /** The guest has booted, but lacks something that its cells need; the message is a sentence. */
    static final class UnfitGuestException extends IOException {
        private static final long serialVersionUID = 1;

        private UnfitGuestException(String what) {
            super(what);
        }
    }

    private static final Pattern UNTRACED = Pattern.compile("^SLUICE error trace (.*)$");
    private static final Pattern NOT_TOLD = Pattern.compile("^SLUICE error trace-driver (.*)$");
    private static final Pattern GONE = Pattern.compile("^SLUICE trace (?:lost|missed) (\\d{1,18})$");

    private final CardServer server;
    private final Machine machine;
    /** Where the kernel's trace arrives; null if it does not trace. */
    private final @Nullable TracePort trace;
    private final @Nullable ToldDriver driver;
    private int marks;

    private CheckMachine(CardServer server, Machine machine, @Nullable TracePort trace, @Nullable ToldDriver driver) {
        this.server = server;
        this.machine = machine;
        this.trace = trace;
        this.driver = driver;
    }

    /** What the guest tells of its GPU driver and interrupts at the end, for a profile. */
    private record ToldDriver(DriverTrace trace, ProfileFolder profile) {}

    /**
     * The image for the machines of a card: the witness, its driver, exporters, and test programs.
     *
     * @throws IOException something is missing; the message names what provides it
     */
    static GuestImage image(Card card, GuestKernel kernel, CacheFolder cache) throws IOException, InterruptedException {
        return image(card, kernel, Additions.NONE, cache);
    }

    /** The same with the user's additions. */
    static GuestImage image(Card card, GuestKernel kernel, Additions additions, CacheFolder cache)
            throws IOException, InterruptedException {
        GuestImage.Builder image = GuestImage.of(kernel).moduleIfThere("virtio-iommu", "");
        // Before the drivers whose calls it reports, after the IOMMU's.
        if (additions.isTraced()) DriverTrace.addTo(image);
        if (additions.calls() == CallSource.TRACE) {
            image.file("bin/trace-dma", "trace-dma");
        } else if (card.isTold() && KernelNeeds.of(kernel).hasWitness()) {
            image.module(KernelModule.build(kernel.headers(cache), "witness", cache), "");
        }
        image.moduleIfThere("virtio-gpu", "").moduleIfThere("vgem", "")
                .moduleIfThere("vivid", "n_devs=1 node_types=1 allocators=1")
                // The IOMMU of the machine remaps no interrupts.
                .moduleIfThere("vfio_iommu_type1", "allow_unsafe_interrupts=1").moduleIfThere("vfio-pci", "")
                .compiled(card.role().source());
        for (Path module : additions.modules()) image.moduleFile(module, "");
        card.load(image);
        TestProgram test = additions.test();
        GuestRoot root = additions.root();
        if (root != null) root.load(image);
        if (test != null) image.program("test/" + test.name(), test.file());
        return image.build(cache);
    }

    /**
     * Starts the card's process and boots.
     *
     * @param blobs whether the machine has a GPU with blobs besides
     * @param profile folder of a profile of its devices, which is complete when it is closed; null for none
     */
    static CheckMachine boot(List<String> launcher, QemuBinary binary, GuestImage image, Card card, Setup setup,
            boolean blobs, Additions additions, @Nullable Path profile, CacheFolder cache)
            throws IOException, InterruptedException {
        TracePort trace = additions.calls() == CallSource.TRACE
                ? TracePort.open(setup.iommu() != GuestIommu.NONE)
                : null;
        CardServer server;
        ToldDriver driver = null;
        boolean served = false;
        try {
            if (profile != null && additions.isTraced())
                driver = new ToldDriver(DriverTrace.open(), new ProfileFolder(profile));
            server = CardServer.start(launcher, card, setup, blobs, profile);
            served = true;
        } finally {
            if (!served) end(null, trace, driver);
        }
        ToldDriver told = driver;
        Machine.Builder builder = Machine.of(binary, image).backEnd(() -> end(server, trace, told))
                .iommu(setup.iommu()).kernel(setup.bounce());
        if (trace != null) builder.arguments(trace.qemuArguments());
        if (told != null) builder.arguments(told.trace().qemuArguments()).kernel(TRACE_SIZE);
        GuestRoot root = additions.root();
        if (root != null) builder.arguments(root.qemuArguments());
        CheckMachine machine = new CheckMachine(server, builder.device("virtio-gpu-pci").arguments(BAR)
                .arguments(server.qemuArguments())
                .arguments(List.of("-no-reboot")).boot(cache), trace, told);
        boolean right = false;
        try {
            machine.requireDriver(card, card.isBuiltInto(image.kernel()));
            if (root != null) machine.mount(root);
            right = true;
            return machine;
        } finally {
            if (!right) machine.close();
        }
    }

    private static void end(@Nullable CardServer server, @Nullable TracePort trace, @Nullable ToldDriver driver)
            throws IOException {
        try (DriverTrace _ = driver == null ? null : driver.trace(); TracePort _ = trace; CardServer _ = server) {
            // The server is closed first.
        }
    }

    private void mount(GuestRoot root) throws IOException, InterruptedException {
        Machine.Done done = machine.run(root.mount(), SOON);
        if (done.status() != 0)
            throw new UnfitGuestException("--root cannot be mounted: " + String.join("; ", done.lines()));
    }

    /** Checks that the kernel traces if it is to, all modules are loaded, and the card's driver is bound. */
    private void requireDriver(Card card, boolean builtIn) throws IOException, InterruptedException {
        List<String> lines = console();
        for (int i = 0; i < lines.size(); i++) {
            Matcher untraced = UNTRACED.matcher(lines.get(i));
            if (untraced.matches()) throw new UnfitGuestException("the kernel cannot be traced: " + untraced.group(1));
            Matcher refused = UNLOADED.matcher(lines.get(i));
            if (refused.find())
                throw new UnfitGuestException("the module %s does not load: %s".formatted(refused.group(1),
                        i == 0 ? "insmod does not say why" : lines.get(i - 1)));
        }
        if (card.driver().isEmpty()) return;
        List<Matcher> functions = machine.run(FUNCTIONS, SOON).lines().stream().map(FUNCTION::matcher)
                .filter(Matcher::matches).toList();
        // QEMU assigns slots in argument order; the card is the last, below those with fixed slots.
        Matcher last = functions.getLast();
        if (last.group(3).isEmpty())
            throw new UnfitGuestException(
                    "the driver %s does not bind: the function %s has no driver".formatted(card.driver(),
                            last.group(2)));
        // What it has mapped before the witness was there, it maps anew.
        String again = "echo %2$s >'/sys/bus/pci/drivers/%1$s/unbind' && echo %2$s >'/sys/bus/pci/drivers/%1$s/bind'"
                .formatted(last.group(3), last.group(1));
        if (builtIn && machine.run(again, SOON).status() != 0)
            throw new UnfitGuestException(
                    "the driver %s, which is built in, cannot be bound again".formatted(card.driver()));
    }

    /**
     * Runs a command in the guest.
     *
     * @return its lines
     * @throws IOException as for {@link Machine#run}
     */
    Machine.Done run(String command, Duration limit) throws IOException, InterruptedException {
        return machine.run(command, limit);
    }

    /** The same for a program that shows pictures on the card's screen, which are compared. */
    Machine.Done run(String command, Duration limit, ShownFrames frames) throws IOException, InterruptedException {
        return machine.run(command, limit, ShownFrames.ASKS, frames);
    }

    /** The picture on the card's screen. */
    Picture picture() throws IOException, InterruptedException {
        return server.picture();
    }

    /**
     * What the kernel's trace tells since the last time; nothing if it does not trace.
     *
     * @throws IOException as for {@link Machine#run}
     */
    TracePort.Traced traced() throws IOException, InterruptedException {
        TracePort port = trace;
        if (port == null) return TracePort.Traced.NONE;
        marks++;
        long gone = 0;
        for (String line : machine.run("trace-dma end " + marks, SOON).lines()) {
            Matcher counted = GONE.matcher(line);
            if (counted.matches()) gone += Long.parseLong(counted.group(1));
        }
        return port.until(marks, gone, SOON);
    }

    /**
     * Reads what the guest's kernel has told for the profile, which is written when this is closed; before, because it is in the guest.
     *
     * @return what of it is missing, a sentence
     */
    Optional<String> untold() throws IOException {
        ToldDriver told = driver;
        if (told == null) return Optional.empty();
        Path folder = told.profile().folder();
        for (String line : console()) {
            Matcher refused = NOT_TOLD.matcher(line);
            if (refused.matches())
                return Optional.of("%s is without the guest's trace: %s".formatted(folder, refused.group(1)));
        }
        return told.trace().write(told.profile().guestTrace(), TRACE_READ)
                ? Optional.empty()
                : Optional
                        .of("%s is without the end of the guest's trace: it was not whole after %d s".formatted(folder,
                                TRACE_READ.toSeconds()));
    }

    /** The current counters and findings of the devices. */
    CardServer.Reports reports() throws IOException, InterruptedException {
        return server.reports();
    }

    /**
     * The injected faults of a machine that has failed; those of a card that does not answer are not known.
     *
     * @param failure gets what kept the card from answering
     */
    InjectedFaults injected(IOException failure) throws InterruptedException {
        try {
            return InjectedFaults.of(reports().card());
        } catch (IOException e) {
            failure.addSuppressed(e);
            return InjectedFaults.NONE;
        }
    }

    /** The complete console output of the guest. */
    List<String> console() {
        return machine.console().lines();
    }

    @Override
    public void close() throws IOException {
        machine.close();
    }
}
