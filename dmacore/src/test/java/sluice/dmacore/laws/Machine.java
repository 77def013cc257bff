package sluice.dmacore.laws;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.buffer.ProgrammedList;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Setting.Piece;
import sluice.dmacore.laws.Setting.Port;
import sluice.dmacore.laws.Setting.Shape;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.model.ShadowCaches;
import sluice.iommu.space.Outcome;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

/** The real thing for a {@link Setting}: a core with a model of caches, its buffers and devices. For one program. */
final class Machine implements AutoCloseable {
    /** Exports pieces of files, here and there in turn. */
    private record Pieces(Kind kind, List<Runs> places, AtomicInteger allocations) implements Exporter {
        @Override
        public String name() {
            return kind.toString();
        }

        @Override
        public CpuWriters cpuWriters() {
            return kind == Kind.GUEST ? CpuWriters.UNSEEN : CpuWriters.BRACKETED;
        }

        @Override
        public boolean moves() {
            return kind == Kind.MOVABLE;
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) {
            Runs runs = places.get(allocations.getAndIncrement() % places.size());
            BufferMemory.Kind memory = kind == Kind.DEVICE ? BufferMemory.Kind.DEVICE : BufferMemory.Kind.RAM;
            return new BufferMemory(runs, memory, false, () -> {});
        }
    }

    private final Setting setting;
    private final Layout layout;
    private final Bench bench;
    private final Findings findings = new Findings();
    private final DmaCore core;
    private final DmaBuf[] buffers;
    private final @Nullable Attachment[] attachments;
    /** Also those that a later one of the same number has taken the place of. */
    private final List<Attachment> everAttached = new ArrayList<>();
    final @Nullable DeviceMapping[] mappings;
    /** They have no IOMMU, and see the addresses of one machine. */
    private final Map<String, Bench.Device> bouncing = new HashMap<>();
    /** Of devices that use addresses, which are those of one core. */
    private final Map<String, DeviceView> addressing = new HashMap<>();
    private final Map<String, Opener> openers = new HashMap<>();
    private final List<DmaBufException> refusedInMove = new ArrayList<>();

    Machine(Layout layout, Bench bench) {
        this.layout = layout;
        this.bench = bench;
        setting = layout.setting();
        ShadowCaches caches = new ShadowCaches(bench.mappings(), setting.eviction());
        core = DmaCore.open(DmaCoreOptions.counting().withFiles(bench.mappings()).withFlavour(setting.flavour())
                .withExecutor(caches).withListCuts(1), findings);
        buffers = new DmaBuf[setting.buffers().size()];
        attachments = new Attachment[setting.attachments().size()];
        mappings = new DeviceMapping[attachments.length];
    }

    Findings findings() {
        return findings;
    }

    /** Sets all bytes of memory. */
    void fill(IdealMemory ideal) {
        byte[] line = new byte[Setting.LINE];
        for (int l = 0; l < layout.lines(); l++) {
            for (int i = 0; i < line.length; i++) line[i] = ideal.get(l * Setting.LINE + i);
            MemorySegment.copy(line, 0, bench.file(layout.fileOf(l)).segment(), JAVA_BYTE,
                    layout.offsetOf(l), line.length);
        }
    }

    void export() throws DmaBufException {
        for (int b = 0; b < buffers.length; b++) {
            Shape shape = setting.buffers().get(b);
            List<Runs> places = shape.kind() == Kind.MOVABLE
                    ? List.of(runs(shape.pieces()), runs(shape.other()))
                    : List.of(runs(shape.pieces()));
            buffers[b] = core.export("b" + b, shape.bytes(), new Pieces(shape.kind(), places, new AtomicInteger()));
        }
    }

    private Runs runs(List<Piece> pieces) {
        Runs runs = new Runs();
        for (Piece piece : pieces) runs.add(bench.file(piece.file()), piece.offset(), piece.length());
        return runs;
    }

    /** A byte as the CPU has it. */
    byte load(int at) {
        int line = at / Setting.LINE;
        return bench.file(layout.fileOf(line)).segment().get(JAVA_BYTE,
                layout.offsetOf(line) + at % Setting.LINE);
    }

    void store(int at, byte value) {
        int line = at / Setting.LINE;
        bench.file(layout.fileOf(line)).segment().set(JAVA_BYTE,
                layout.offsetOf(line) + at % Setting.LINE, value);
    }

    DmaBuf buffer(int number) {
        return buffers[number];
    }

    private Bench.Device device(Port port) {
        if (!port.bounced()) return bench.device(port.deviceName(), core);
        return bouncing.computeIfAbsent(port.deviceName(), name -> Bench.Device.of(core.function(name,
                DeviceDmaParams.scatterGather().withSegments(1 << 20, 1))));
    }

    private DeviceFunction function(Port port) {
        return device(port).function();
    }

    private DeviceView view(Port port) {
        Bench.Device device = device(port);
        return port.addressed()
                ? addressing.computeIfAbsent(port.deviceName(), _ -> DeviceView.open(core, device.function()))
                : device.view();
    }

    /** A device reads by an attachment that has been mapped. */
    Outcome read(int a, DeviceMapping mapping, long from, MemorySegment target, long length) {
        Port port = setting.attachments().get(a);
        // Addresses of one that has ended may be another's by now.
        return port.addressed() && mapping.isLive()
                ? view(port).readAt(ProgrammedList.of(mapping.segments()), from, target, 0, length)
                : view(port).read(mapping, from, target, 0, length);
    }

    /** The same for one that writes. */
    Outcome write(int a, DeviceMapping mapping, long from, MemorySegment source, long length) {
        Port port = setting.attachments().get(a);
        return port.addressed() && mapping.isLive()
                ? view(port).writeAt(ProgrammedList.of(mapping.segments()), from, source, 0, length)
                : view(port).write(mapping, from, source, 0, length);
    }

    void attach(int a) throws DmaBufException {
        Port port = setting.attachments().get(a);
        Stream stream = port.snoops() ? Stream.COHERENT : Stream.NON_COHERENT;
        DmaBuf buffer = buffers[port.buffer()];
        Attachment attachment;
        if (port.bounced()) {
            attachment = buffer.attachBouncing(function(port), stream);
        } else if (port.dynamic()) {
            attachment = buffer.attachDynamic(function(port), stream, _ -> leave(a));
        } else {
            attachment = buffer.attach(function(port), stream);
        }
        attachments[a] = attachment;
        everAttached.add(attachment);
    }

    private void leave(int a) {
        DeviceMapping mapping = mappings[a];
        if (mapping == null || !mapping.isLive()) return;
        try {
            mapping.unmap();
        } catch (DmaBufException e) {
            refusedInMove.add(e);
        }
    }

    @Nullable
    Attachment attachment(int a) {
        return attachments[a];
    }

    void map(Step.Map step) throws DmaBufException {
        int a = step.attachment();
        Attachment attachment = attachments[a];
        if (attachment == null) return;
        Port port = setting.attachments().get(a);
        EnumSet<DmaAttribute> attributes = EnumSet.noneOf(DmaAttribute.class);
        if (step.mode() == Mode.SKIP) attributes.add(DmaAttribute.SKIP_CPU_SYNC);
        if (step.mode() == Mode.KEEPS) attributes.add(DmaAttribute.CPU_KEEPS);
        if (port.bounced()) attributes.add(DmaAttribute.ALLOW_BOUNCE);
        if (setting.buffers().get(port.buffer()).kind() == Kind.DEVICE) attributes.add(DmaAttribute.MMIO);
        mappings[a] = attachment.map(step.direction(), attributes);
    }

    /** One of three programs on the CPU that have opened a buffer. */
    Opener opener(int buffer, int access) {
        return openers.computeIfAbsent("b%d program%d".formatted(buffer, access % 3), buffers[buffer]::open);
    }

    void move(int buffer) throws DmaBufException {
        refusedInMove.clear();
        buffers[buffer].move();
        if (!refusedInMove.isEmpty()) throw refusedInMove.getFirst();
    }

    /** Ends what is open and mapped, as the end of a process does; the buffers stay, to be looked at. */
    void end() throws DmaBufException {
        for (Opener opener : openers.values()) opener.close();
        for (DeviceMapping mapping : mappings) if (mapping != null && mapping.isLive()) mapping.unmap();
        for (Attachment attachment : everAttached) attachment.detach();
    }

    @Override
    public void close() {
        for (Attachment attachment : everAttached) attachment.detach();
        for (Bench.Device device : bouncing.values()) device.view().close();
        for (DeviceView view : addressing.values()) view.close();
        for (DmaBuf buffer : buffers) if (buffer != null) buffer.release();
        bench.settle();
    }
}
