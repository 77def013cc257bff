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
import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.space.DmaMappedSpace;
import sluice.dmacore.space.DmaRefusedException;
import sluice.dmacore.witness.Witness;
import sluice.dmacore.witness.WitnessedDevice;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.LeakReport;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.Msix;

/**
 * Runs one {@link PciFunction} on its own loop, over its own {@link DmaMappedSpace}.
 *
 * <p>Transports call the public methods on their control loop; no call blocks. Each request runs on the function's
 * loop, in call order, and its callback runs there too. Maps and unmaps run there as well, so they never wait for DMA
 * that the function does on its loop. The host owns descriptors passed to it.
 */
public final class FunctionHost {
    /**
     * An unmap of a smaller range with no mapping in it is an error. QEMU's intel-iommu unmaps empty address spaces, in
     * powers of two of 1 MiB and more.
     */
    private static final long SWEEP_BYTES = 1 << 20;
    private static final AddressRange EVERYTHING = new AddressRange(0, -1);

    private final PciFunction function;
    private final HostLoop loop;
    private final FileMapper mapper;
    private final DmaConstraints constraints;
    private final DmaMappedSpace space;
    private final BarAccess access;
    private final Map<Integer, Bar> bars = new HashMap<>();
    private final FunctionInterrupts interrupts;
    private final FunctionBus bus;
    private final Leftovers leftovers;
    private HostFaults faults = HostFaults.none();

    /**
     * A coherent function outside a shared core.
     *
     * @param files where guest memory is mapped
     * @throws IllegalArgumentException if the function's description is inconsistent
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files) {
        this(function, loop, files, DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT,
                Budget.ofProcess().own());
    }

    /**
     * A function of a machine's core.
     *
     * @param files where guest memory is mapped
     * @param core receives the function's reads and writes; for a non-coherent function each DMA_MAP is a buffer of the
     * core
     * @param stream whether it snoops
     * @param share of the process, charged for mappings and buffers
     * @throws IllegalArgumentException if the function's description is inconsistent
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files, DmaCore core, Stream stream,
            Share share) {
        this(function, loop, files, core, stream, DmaConstraints.NONE, share, null);
    }

    /**
     * A function of a machine with a kernel that may report its DMA.
     *
     * @param constraints what it cannot do: an access beyond its DMA mask faults and is found, and so is what the kernel maps
     *            against the others
     * @param witness receives the kernel's DMA calls; null without a witness
     */
    public FunctionHost(PciFunction function, HostLoop loop, FileMappings files, DmaCore core, Stream stream,
            DmaConstraints constraints, Share share, @Nullable Witness witness) {
        this.function = function;
        this.loop = loop;
        this.mapper = new FileMapper(files, loop.disposal());
        this.constraints = constraints;
        this.space = DmaMappedSpace.open(loop.name(), share, fault -> judge(fault, core.findings()));
        this.access = new BarAccess(function);
        this.leftovers = new Leftovers(loop.name());
        Msix msix = function.config().msix();
        this.interrupts = new FunctionInterrupts(loop, msix == null ? 0 : msix.vectors());
        // The DMA_MAP table is its translation; the core adds none.
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

    /** An address above the function's mask is an error of the driver; other faults may be the function's own. */
    private void judge(FaultRecord fault, Findings findings) {
        if (fault.reason() != FaultReason.OVER_MASK) return;
        findings.add(Rule.BEYOND_DMA_MASK, loop.name(), "bus addresses", fault.iova(), fault.length(),
                "%s at 0x%x by a device with dma-mask=0x%x".formatted(
                        fault.access() == Access.READ ? "read" : "written",
                        fault.iova(), constraints.dmaMask()));
    }

    /**
     * Adds the capability by which a guest's kernel identifies the function: it contains the function's number in
     * witness messages.
     */
    private WitnessedDevice introduce(Witness witness, Stream stream, Share share) {
        WitnessedDevice device = witness.serve(loop.name(), stream, share, space, constraints);
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

    /** Counters of the function's DMA; read on its loop. */
    public DmaStatistics statistics() {
        return bus.statistics();
    }

    /** Mappings left by front-ends that disconnected, not counting a mapping of all guest memory; read on its loop. */
    public long leaked() {
        return leftovers.mappings();
    }

    /** Registers counters of its DMA and of its front-end's mappings. */
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

    /** What goes wrong between the function and its machine; before a front-end connects. */
    public void inject(HostFaults next) {
        faults = next;
        interrupts.inject(next);
        bus.inject(next);
    }

    /** Attaches a front-end, which serves accesses to memory without a file. */
    public void attach(FrontMemory memory) {
        loop.post("start", () -> {
            bus.attach(space.openReader(bus.trace(), constraints.dmaMask()),
                    space.openTranslation(constraints.dmaMask()), memory);
            function.start(bus);
        });
    }

    /**
     * Maps a part of the guest's memory for the function.
     *
     * @param file the memory, or null if only the front-end can access it
     * @param offset in the file
     * @param done receives 0, or the errno of the refusal
     */
    public void map(long address, long length, @Nullable Fd file, long offset, Permission permission,
            IntConsumer done) {
        Request request = file == null
                ? () -> space.mapWithoutFile(address, length, permission)
                : mapping(address, length, file, offset, permission);
        ask("DMA_MAP", request, done);
    }

    /**
     * The descriptor is released without waiting for the function, so that descriptors do not accumulate while it is
     * busy.
     */
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
     * Unmaps a part of the guest's memory; {@code done} receives 0 when the function does not use it any more, or the
     * errno of the refusal.
     */
    public void unmap(AddressRange range, IntConsumer done) {
        ask("DMA_UNMAP", () -> {
            HostFault.FailUnmap fault = faults.onUnmap();
            if (fault != null) throw new Injected(fault);
            // A range of 2^64 bytes has size 0.
            boolean sweep = range.size() == 0 || Long.compareUnsigned(range.size(), SWEEP_BYTES) >= 0;
            if (space.unmap(range) == 0 && !sweep)
                throw new NothingMapped("nothing is mapped in " + range);
            letGo(range);
        }, done);
    }

    /** Unmaps all of the guest's memory. */
    public void unmapAll(Runnable done) {
        loop.ask("an unmap of everything", () -> {
            loop.contain("an unmap of everything", space::clear);
            letGo(EVERYTHING);
        }, done);
    }

    /** Before an unmap is answered, no user may hold the unmapped memory. */
    private void letGo(AddressRange range) {
        loop.contain("unmapped", () -> function.unmapped(range));
        bus.unmapped(range);
    }

    /** A request that is refused by an exception with the reason. */
    private interface Request {
        void carryOut() throws IOException;
    }

    private static final class NothingMapped extends IOException {
        private static final long serialVersionUID = 1;

        NothingMapped(String message) {
            super(message);
        }
    }

    private static final class Injected extends IOException {
        private static final long serialVersionUID = 1;

        private final int errno;

        Injected(HostFault.FailUnmap fault) {
            super("%s by %s; the range stays mapped".formatted(Errno.name(fault.errno()), fault.name()));
            errno = fault.errno();
        }
    }

    /** An internal error is answered with EIO, because the VM waits for an answer. */
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
                    case Injected injected -> injected.errno;
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
     * @param done receives the bytes; zeros if the function failed
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

    /** Carries out the writes in order, even if one fails; {@code done} always runs. */
    public void write(List<Write> writes, Runnable done) {
        // One task for all writes, so that the loop's backlog stays proportional to the bytes received.
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

    /** Sets the eventfd of the interrupt line, or none. */
    public void setLine(@Nullable Fd eventfd) {
        loop.take("another line", eventfd, interrupts::setLine);
    }

    /** Sets the eventfd that unmasks the line. */
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

    /** Sets the eventfds of the vectors that begin at {@code first}. */
    public void setVectors(int first, List<Fd> eventfds) {
        loop.post("interrupts", () -> {
            for (int i = 0; i < eventfds.size(); i++) interrupts.setVector(first + i, eventfds.get(i));
        });
    }

    /** Removes the eventfds of {@code count} vectors that begin at {@code first}. */
    public void clearVectors(int first, int count) {
        loop.post("interrupts", () -> {
            for (int i = 0; i < count; i++) interrupts.setVector(first + i, null);
        });
    }

    /** Signals each of these vectors once. */
    public void triggerVectors(BitSet vectors) {
        loop.post("interrupts", () -> vectors.stream().forEach(interrupts::triggerVector));
    }

    /** Resets the function to power-on; DMA mappings and interrupt eventfds are kept. */
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
     * The front-end has disconnected: releases all of its resources and resets the function to power-on.
     *
     * @param byItself whether it disconnected by itself, so that it could have unmapped its mappings
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
