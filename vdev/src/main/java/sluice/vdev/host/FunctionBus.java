package sluice.vdev.host;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DmaMappedTranslation;
import sluice.dmacore.space.DmaReader;
import sluice.dmacore.trace.DeviceTrace;
import sluice.dmacore.witness.WitnessedDevice;
import sluice.dmacore.witness.WitnessedView;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.Outcome;
import sluice.vdev.device.FunctionContext;

/** The context of a function while a front-end is connected: DMA, interrupts, clock. Used on its loop. */
final class FunctionBus implements FunctionContext {
    private static final Logger LOG = LoggerFactory.getLogger(FunctionBus.class);
    /** Faults of one front-end that are logged; all are recorded. */
    private static final int FAULTS_TOLD = 8;
    /** What is written where nothing should be. */
    private static final byte OVERRUN = (byte) 0xa5;

    private final FunctionHost host;
    private final FunctionInterrupts interrupts;
    private final DmaCore core;
    private final Share share;
    private final DeviceTrace trace;
    /** The function as a non-coherent device of the core; null if it snoops. */
    private final @Nullable DeviceFunction nonSnooping;
    /** The function as the witness in the guest's kernel reports it, if there is one. */
    private final @Nullable WitnessedDevice witnessed;
    private final DmaStatistics statistics = new DmaStatistics();
    private final WitnessedView.Bus direct = new Direct();
    private final Runs translated = new Runs();
    /** Of {@link Direct}. */
    private Outcome lastResult = Outcome.RESOLVED;
    private @Nullable NonCoherentMemory transferred;
    private @Nullable WitnessedView witnessedView;
    private @Nullable DmaReader reader;
    private @Nullable DmaMappedTranslation translation;
    private @Nullable FrontMemory front;
    private int faultsTold;
    private boolean untoldTold;
    private HostFaults faults = HostFaults.none();

    FunctionBus(FunctionHost host, FunctionInterrupts interrupts, DmaCore core, @Nullable DeviceFunction nonSnooping,
            @Nullable WitnessedDevice witnessed, Share share) {
        this.host = host;
        this.interrupts = interrupts;
        this.core = core;
        this.share = share;
        this.trace = core.trace(host.loop().name());
        this.nonSnooping = nonSnooping;
        this.witnessed = witnessed;
    }

    DeviceTrace trace() {
        return trace;
    }

    DmaStatistics statistics() {
        return statistics;
    }

    /** What goes wrong from now on. */
    void inject(HostFaults next) {
        faults = next;
    }

    void attach(DmaReader fresh, DmaMappedTranslation runs, FrontMemory memory) {
        reader = fresh;
        translation = runs;
        front = memory;
        faultsTold = 0;
        if (witnessed != null) {
            witnessedView = new WitnessedView(witnessed);
            untoldTold = false;
        }
        if (nonSnooping != null) transferred = new NonCoherentMemory(core, nonSnooping, share);
    }

    void detach() {
        front = null;
        NonCoherentMemory own = transferred;
        transferred = null;
        if (own != null) own.close();
        WitnessedView looked = witnessedView;
        witnessedView = null;
        if (looked != null) looked.close();
        DmaReader open = reader;
        reader = null;
        if (open != null) open.close();
        DmaMappedTranslation runs = translation;
        translation = null;
        if (runs != null) runs.close();
    }

    /** A file was mapped. */
    void mapped(long address, long length, FileMapping file, long offset, Permission permission) {
        if (transferred != null) transferred.mapped(address, length, file, offset, permission);
    }

    /** Removes what was mapped in a range. */
    void unmapped(AddressRange range) {
        try {
            if (transferred != null) transferred.unmapped(range);
        } finally {
            if (translation != null) translation.unmapped();
        }
    }

    @Override
    public FrontTranslation memory() {
        DmaMappedTranslation present = translation;
        if (present == null) throw new IllegalStateException("no front-end is connected");
        return present;
    }

    @Override
    public void assertInterrupt(boolean asserted) {
        host.function().config().showInterrupt(asserted);
        interrupts.assertLine(asserted);
    }

    @Override
    public void signal(int vector) {
        interrupts.signalVector(vector);
    }

    @Override
    public Dma read(long address, MemorySegment target, long targetOffset, long length) {
        return move(Access.READ, address, target, targetOffset, length);
    }

    @Override
    public Dma write(long address, MemorySegment source, long sourceOffset, long length) {
        if (!faults.ofWrites()) return move(Access.WRITE, address, source, sourceOffset, length);
        HostFault.OfWrite fault = faults.onWrite(address);
        Dma outcome = move(Access.WRITE, address, source, sourceOffset, kept(fault, length));
        if (outcome == Dma.DONE) {
            overrun(fault, address + length);
        } else {
            faults.notWritten(address, fault);
        }
        return outcome;
    }

    /** How much of a write is done. */
    private static long kept(HostFault.@Nullable OfWrite fault, long length) {
        return fault instanceof HostFault.ShortWrite shorter ? Math.max(0, length - shorter.bytes()) : length;
    }

    /** Goes on writing behind the end of a write: like any write, no further than the front-end has mapped. */
    private void overrun(HostFault.@Nullable OfWrite fault, long end) {
        if (!(fault instanceof HostFault.Overrun beyond)) return;
        byte[] bytes = new byte[(int) beyond.bytes()];
        Arrays.fill(bytes, OVERRUN);
        Dma outcome = move(Access.WRITE, end, MemorySegment.ofArray(bytes), 0, bytes.length);
        FrontMemory memory = front;
        if (outcome != Dma.ONLY_LATER || memory == null) return;
        statistics.asked(bytes.length);
        memory.write(end, bytes, _ -> {});
    }

    private Dma move(Access access, long address, MemorySegment local, long localOffset, long length) {
        DmaReader open = reader;
        if (open == null || !host.function().config().isBusMaster()) return refused();
        long began = trace.begin();
        NonCoherentMemory own = transferred;
        WitnessedView told = witnessedView;
        Outcome result;
        if (told != null && isTold(told)) {
            lastResult = Outcome.RESOLVED;
            told.move(access, address, local, localOffset, length, direct);
            result = lastResult;
        } else if (own == null) {
            result = access == Access.READ
                    ? open.read(address, local, localOffset, length)
                    : open.write(address, local, localOffset, length);
        } else {
            result = reachable(open, address, length, access);
            if (result == Outcome.RESOLVED && (!own.isTransferred(address, length)
                    || own.move(access, address, local, localOffset, length) != Outcome.RESOLVED))
                return refusedFault(address, length);
        }
        Direction direction = access == Access.READ ? Direction.TO_DEVICE : Direction.FROM_DEVICE;
        return outcome(open, result, direction, address, length, began);
    }

    /** Whether the front-end has mapped a range for such an access; what is not so is recorded as a fault of the reader's. */
    private Outcome reachable(DmaReader open, long address, long length, Access access) {
        if (length == 0) return Outcome.RESOLVED;
        translated.clear();
        try (var _ = open.enter()) {
            return open.resolve(address, length, access, translated);
        } finally {
            translated.clear();
        }
    }

    /** The front-end's table, for parts of a witnessed access. */
    private final class Direct implements WitnessedView.Bus {
        @Override
        public boolean move(Access access, long address, MemorySegment local, long localOffset, long length) {
            DmaReader open = reader;
            if (open == null) return false;
            lastResult = access == Access.READ
                    ? open.read(address, local, localOffset, length)
                    : open.write(address, local, localOffset, length);
            return lastResult == Outcome.RESOLVED;
        }

        /** Whatever the kernel has mapped, the function reaches no more than its front-end gives it. */
        @Override
        public boolean reaches(Access access, long address, long length) {
            DmaReader open = reader;
            if (open == null) return false;
            lastResult = reachable(open, address, length, access);
            return lastResult == Outcome.RESOLVED;
        }
    }

    /**
     * Whether the witness reports the function's DMA. Until it does, a non-coherent function is treated as coherent.
     */
    private boolean isTold(WitnessedView view) {
        if (view.isTold()) return true;
        if (!untoldTold && witnessed != null && !witnessed.stream().coherent()) {
            untoldTold = true;
            LOG.warn(
                    """
                            {}: DMA before the guest's witness module was loaded: it is coherent until then, and no transfer is seen; load \
                            the module before the driver""",
                    host.loop().name());
        }
        return false;
    }

    private Dma refused() {
        statistics.refusedOne();
        return Dma.NOT_BUS_MASTER;
    }

    /** Mapped by the front-end, but not owned by the function: already logged. */
    private Dma refusedFault(long address, long length) {
        statistics.refusedOne();
        trace.faulted(address, length);
        return Dma.FAULT;
    }

    private Dma outcome(DmaReader open, Outcome result, Direction direction, long address, long length,
            long began) {
        switch (result) {
            case RESOLVED -> {
                statistics.moved(length);
                trace.copied(direction.number(), address, length, began);
            }
            case WITHOUT_FILE -> {
                return Dma.ONLY_LATER;
            }
            default -> {
                statistics.refusedOne();
                trace.faulted(address, length);
                if (faultsTold++ < FAULTS_TOLD) LOG.warn("{}", open.fault());
                return Dma.FAULT;
            }
        }
        return Dma.DONE;
    }

    @Override
    public void delivered(long number) {
        trace.shown(number);
    }

    @Override
    public void readLater(long address, int length, Consumer<byte @Nullable []> done) {
        byte[] bytes = new byte[length];
        Dma now = read(address, MemorySegment.ofArray(bytes), 0, length);
        FrontMemory memory = front;
        if (now != Dma.ONLY_LATER || memory == null) {
            host.loop().execute(() -> done.accept(now == Dma.DONE ? bytes : null));
            return;
        }
        statistics.asked(length);
        memory.read(address, length, answer -> host.loop().execute(() -> done.accept(answer)));
    }

    @Override
    public void writeLater(long address, byte[] bytes, Consumer<Boolean> done) {
        HostFault.OfWrite fault = faults.ofWrites() ? faults.onWrite(address) : null;
        int kept = (int) kept(fault, bytes.length);
        byte[] sent = kept == bytes.length ? bytes : Arrays.copyOf(bytes, kept);
        long end = address + bytes.length;
        Dma now = move(Access.WRITE, address, MemorySegment.ofArray(sent), 0, kept);
        FrontMemory memory = front;
        if (now != Dma.ONLY_LATER || memory == null) {
            if (now == Dma.DONE) {
                overrun(fault, end);
            } else if (faults.ofWrites()) {
                faults.notWritten(address, fault);
            }
            host.loop().execute(() -> done.accept(now == Dma.DONE));
            return;
        }
        statistics.asked(kept);
        memory.write(address, sent, answer -> host.loop().execute(() -> {
            if (answer) overrun(fault, end);
            done.accept(answer);
        }));
    }

    @Override
    public Runnable every(long nanos, Runnable task) {
        return host.loop().every(nanos, task);
    }
}
