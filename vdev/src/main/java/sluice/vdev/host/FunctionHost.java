package sluice.vdev.host;

import java.io.IOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.space.DmaMappedSpace;
import sluice.dmacore.space.DmaRefusedException;
import sluice.dmacore.witness.Witness;
import sluice.dmacore.witness.WitnessedDevice;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.LeakReport;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.Msix;

/**
 * Runs one {@link PciFunction} on its own loop, over its own {@link DmaMappedSpace}.
 *
 * <p>Transports call the public methods from their control loop, at any time and without waiting; each is carried out on the
 * function's loop in the order of the calls, and answers through its callback, which runs there too. Maps and unmaps are
 * among them, so a function that does its DMA on its loop is never waited for. Descriptors handed in belong to the host.
 */
public final class FunctionHost {
    /**
     * Below this an unmap that finds nothing is an error. QEMU's intel-iommu clears whole address spaces before anything is
     * mapped in them, in powers of two of 1 MiB and more.
     */
    private static final long SWEEP_BYTES = 1 << 20;
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private final PciFunction function;
    private final HostLoop loop;
    private final FileMapper mapper;
    private final DmaMappedSpace space;
    private final BarAccess access;
    private final Map<Integer, Bar> bars = new HashMap<>();
    private final FunctionInterrupts interrupts;
    private final FunctionBus bus;
    private final Leftovers leftovers;

    /**
     * A function that snoops, and that shares nothing.
     *
     * @param files where guest memory is mapped
     * @throws IllegalArgumentException if the function contradicts itself
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files) {
        this(function, loop, files, DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT,
                Budget.ofProcess().own());
    }

    /**
     * A function of a machine.
     *
     * @param files where guest memory is mapped
     * @param core is told what the function reads and writes; if it does not snoop, each DMA_MAP is a buffer of the core's
     * @param stream whether it snoops
     * @param share of the process, from which is taken what is kept of mappings and buffers
     * @throws IllegalArgumentException if the function contradicts itself
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files, DmaCore core, Stream stream,
            Share share) {
        this(function, loop, files, core, stream, share, null);
    }

    /**
     * A function of a machine whose kernel may tell of its DMA.
     *
     * @param witness is told by the kernel; null if no kernel tells
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files, DmaCore core, Stream stream,
            Share share, @Nullable Witness witness) {
        this.function = function;
        this.loop = loop;
        this.mapper = new FileMapper(files, loop.disposal());
        this.space = DmaMappedSpace.open(loop.name(), share);
        this.access = new BarAccess(function);
        this.leftovers = new Leftovers(loop.name());
        Msix msix = function.config().msix();
        this.interrupts = new FunctionInterrupts(loop, msix == null ? 0 : msix.vectors());
        // The table of DMA_MAPs is its translation; the core adds none.
        WitnessedDevice witnessed = witness == null ? null : introduce(witness, stream, share);
        DeviceFunction nonSnooping = stream.coherent() || witnessed != null
                ? null
                : core.function(loop.name(), DeviceDmaParams.throughIommu().withTranslated(false).withDmaMask(-1));
        this.bus = new FunctionBus(this, interrupts, core, nonSnooping, witnessed, share);
        for (Bar bar : function.bars()) bars.put(bar.index(), bar);
        if (msix != null) {
            Bar bar = bars.get(msix.bar());
            if (bar == null || bar.memory() != null || msix.end() > bar.size())
                throw new IllegalArgumentException("%s does not fit into BAR %d, which must have registers".formatted(
                        msix, msix.bar()));
        }
    }

    /** Lets a guest's kernel find out which of its functions this is: a capability has the number by which it is told of. */
    private WitnessedDevice introduce(Witness witness, Stream stream, Share share) {
        WitnessedDevice device = witness.serve(loop.name(), stream, share, space);
        int number = witness.number(device);
        byte[] body = { 0, 'S', 'L', (byte) number, (byte) (number >> 8) };
        if (!function.config().addVendorSpecific(body)) {
            throw new IllegalArgumentException(
                    "its configuration space has no room for the capability by which a witness knows it, 8 bytes");
        }
        return device;
    }

    public PciFunction function() {
        return function;
    }

    /** The function's loop. */
    public HostLoop loop() {
        return loop;
    }

    /** The BAR with this index, or null. */
    public @Nullable Bar bar(int index) {
        return bars.get(index);
    }

    /** What the function can reach. */
    public DmaMappedSpace space() {
        return space;
    }

    /** What the function's DMA has cost; to be read on its loop. */
    public DmaStatistics statistics() {
        return bus.statistics();
    }

    /** Mappings that front-ends have left when they went, except for all of a VM's memory; to be read on its loop. */
    public long leaked() {
        return leftovers.mappings();
    }

    /** Registers what its DMA has cost, and what its front-end has mapped for it. */
    public void register(Report report) {
        DmaStatistics dma = bus.statistics();
        report.counter("dma.bytes", "bytes", "Moved through mapped files.", dma::bytes);
        report.counter("dma.messages", "accesses", "To memory in no file, which the front-end was asked for.",
                dma::messages);
        report.counter("dma.messageBytes", "bytes", "That the front-end was asked for.", dma::messageBytes);
        report.counter("dma.refused", "accesses", "That faulted, or that the driver had not allowed.", dma::refused);
        report.counter("space.maps", "mappings", "Made by DMA_MAP.", () -> space.table().statistics().maps());
        report.counter("space.unmaps", "mappings", "Removed.", () -> space.table().statistics().unmaps());
        report.gauge("space.mappings", "mappings", "There now.", () -> space.table().statistics().mappings());
        report.gauge("space.mappedBytes", "bytes", "Mapped now.", () -> space.table().statistics().mappedBytes());
        report.counter("space.leaked", "mappings", "That front-ends had left when they went.", leftovers::mappings);
    }

    /** A front-end has connected, and reaches memory that is in no file. */
    public void attach(FrontMemory memory) {
        loop.post("start", () -> {
            bus.attach(space.openReader(bus.trace()), space.openTranslation(), memory);
            function.start(bus);
        });
    }

    /**
     * Lets the function reach a part of the guest's memory.
     *
     * @param file the memory, or null if only the front-end reaches it
     * @param offset in the file
     * @param done gets 0, or the errno number for which it was refused
     */
    public void map(long address, long length, @Nullable Fd file, long offset, Permission permission,
            IntConsumer done) {
        Request request = file == null
                ? () -> space.mapWithoutFile(address, length, permission)
                : mapping(address, length, file, offset, permission);
        ask("DMA_MAP", request, done);
    }

    /** The descriptor is let go of without waiting for the function: those of many maps must not pile up while it is at work. */
    private Request mapping(long address, long length, Fd file, long offset, Permission permission) {
        FileMapper.Pending pending = mapper.map(file);
        return () -> {
            FileMapping mapping = pending.get();
            try {
                space.map(address, length, mapping, offset, permission);
                bus.mapped(address, length, mapping, offset, permission);
            } finally {
                mapping.release();
            }
        };
    }

    /**
     * Takes a part of the guest's memory away; {@code done} gets 0 when the function does not use it any more, or the errno
     * number for which it was refused.
     */
    public void unmap(AddressRange range, IntConsumer done) {
        ask("DMA_UNMAP", () -> {
            // A range of 2^64 bytes has size 0.
            boolean sweep = range.size() == 0 || Long.compareUnsigned(range.size(), SWEEP_BYTES) >= 0;
            if (space.unmap(range) == 0 && !sweep)
                throw new NothingMapped("nothing is mapped in " + range);
            letGo(range);
        }, done);
    }

    /** Takes all of the guest's memory away. */
    public void unmapAll(Runnable done) {
        loop.ask("an unmap of everything", () -> {
            loop.contain("an unmap of everything", space::clear);
            letGo(EVERYTHING);
        }, done);
    }

    /** Before an unmap is answered: nobody keeps anything of what was there. */
    private void letGo(AddressRange range) {
        loop.contain("unmapped", () -> function.unmapped(range));
        bus.unmapped(range);
    }

    /** Something that is refused with an exception that tells why. */
    private interface Request {
        void carryOut() throws IOException;
    }

    private static final class NothingMapped extends IOException {
        private static final long serialVersionUID = 1;

        NothingMapped(String message) {
            super(message);
        }
    }

    /** What fails by a mistake of ours is answered with EIO: the VM waits for an answer. */
    private void ask(String name, Request request, IntConsumer done) {
        loop.ask(name, Errno.EIO, () -> {
            try {
                request.carryOut();
                return 0;
            } catch (IOException e) {
                loop.log().error("{}: {} is refused: {}", loop.name(), name, e.getMessage());
                return switch (e) {
                    case DmaRefusedException refused -> refused.errno();
                    case ShareUsedUpException refused -> Errno.ENOSPC;
                    case NothingMapped nothing -> Errno.ENOENT;
                    default -> Errno.EINVAL;
                };
            }
        }, done::accept);
    }

    /**
     * Reads configuration space.
     *
     * @param offset with {@code length} inside of it
     */
    public void readConfig(int offset, int length, Consumer<byte[]> done) {
        byte[] bytes = new byte[length];
        loop.ask("a read of configuration space", () -> {
            loop.contain("configRead", () -> function.configRead(offset, length));
            function.config().read(offset, bytes);
        }, () -> done.accept(bytes));
    }

    /**
     * Reads a BAR.
     *
     * @param offset with {@code length} inside of it
     * @param done gets the bytes; zeros if the function failed
     */
    public void readBar(Bar bar, long offset, int length, Consumer<byte[]> done) {
        loop.ask("a read of a BAR", new byte[length], () -> access.read(bar, offset, length), done);
    }

    /**
     * A write to a BAR, or to configuration space.
     *
     * @param bar null for configuration space
     * @param offset with {@code bytes} inside of it
     */
    public record Write(@Nullable Bar bar, long offset, byte[] bytes) {}

    /** Writes one after the other, whatever comes of the one before; {@code done} runs in any case. */
    public void write(List<Write> writes, Runnable done) {
        // One task for all: what waits for the loop must not grow to many times what came.
        loop.ask("writes", () -> {
            for (Write write : writes) carryOut(write);
        }, done);
    }

    private void carryOut(Write write) {
        Bar bar = write.bar();
        if (bar != null) {
            loop.contain("a write of a BAR", () -> access.write(bar, write.offset(), write.bytes()));
            return;
        }
        loop.contain("a write of configuration space", () -> {
            function.config().write((int) write.offset(), write.bytes());
            interrupts.disableLine(function.config().isLineDisabled());
            function.configWritten((int) write.offset(), write.bytes().length);
        });
    }

    // ---- interrupts

    /** The interrupt line goes to {@code eventfd} from now on, or nowhere. */
    public void setLine(@Nullable Fd eventfd) {
        loop.take("another line", eventfd, interrupts::setLine);
    }

    /** The line is unmasked whenever {@code eventfd} is signalled. */
    public void setLineUnmask(@Nullable Fd eventfd) {
        loop.take("another unmask eventfd", eventfd, interrupts::setUnmask);
    }

    public void maskLine(boolean masked) {
        loop.post("interrupts", masked ? interrupts::mask : interrupts::unmask);
    }

    /** Signals the line once. */
    public void triggerLine() {
        loop.post("interrupts", interrupts::triggerLine);
    }

    /** Vectors from {@code first} on go to these eventfds from now on. */
    public void setVectors(int first, List<Fd> eventfds) {
        loop.post("interrupts", () -> {
            for (int i = 0; i < eventfds.size(); i++) interrupts.setVector(first + i, eventfds.get(i));
        });
    }

    /** So many vectors from {@code first} on go nowhere. */
    public void clearVectors(int first, int count) {
        loop.post("interrupts", () -> {
            for (int i = 0; i < count; i++) interrupts.setVector(first + i, null);
        });
    }

    /** Signals each of these vectors once. */
    public void triggerVectors(BitSet vectors) {
        loop.post("interrupts", () -> vectors.stream().forEach(interrupts::signalVector));
    }

    /** Puts the function back to power-on; what it may reach and how it interrupts stays. */
    public void reset(Runnable done) {
        loop.ask("a reset", this::resetFunction, done);
    }

    private void resetFunction() {
        loop.contain("reset", function::reset);
        loop.contain("a reset of configuration space", function.config()::reset);
        loop.contain("a reset of the interrupt line", () -> {
            interrupts.assertLine(false);
            interrupts.disableLine(false);
        });
    }

    /**
     * The front-end has gone: everything of its is given back, the function is as after power-on.
     *
     * @param byItself whether it was not sent away, so that it could have unmapped what it has mapped
     */
    public void detach(boolean byItself, Runnable done) {
        loop.ask("the end of a front-end", () -> {
            resetFunction();
            loop.contain("disconnected", function::disconnected);
            loop.contain("the end of a front-end's interrupts", interrupts::close);
            loop.contain("the end of a front-end's DMA", bus::detach);
            LeakReport left = space.clear();
            if (byItself) leftovers.left(left);
        }, done);
    }
}
