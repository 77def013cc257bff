package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Holder;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.space.Segments;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Refusal;

/** Creates one mapping of an attachment. With the buffer locked. */
final class MapRequest {
    private final Attachment attachment;
    private final DmaBuf buffer;
    private final DeviceFunction function;
    private final Direction direction;
    private final Set<DmaAttribute> attributes;

    MapRequest(Attachment attachment, Direction direction, Set<DmaAttribute> attributes) {
        this.attachment = attachment;
        this.buffer = attachment.buffer();
        this.function = attachment.function();
        this.direction = direction;
        this.attributes = Set.copyOf(attributes);
    }

    /** A dry run: all reasons against the mapping. */
    Verdict test() {
        List<Verdict.Problem> own = new ArrayList<>();
        Verdict judged = judged(own);
        if (attachment.mapping() != null) own.add(Verdict.Problem.of(Verdict.Limit.MAPPED));
        if (buffer.state() == DmaBuf.State.MOVING) own.add(Verdict.Problem.of(Verdict.Limit.MOVING));
        own.addAll(buffer.importers().against(attachment.stream(), direction));
        return judged.with(own);
    }

    /** Checks what the device would see, which may be the exporter's view. */
    private Verdict judged(List<Verdict.Problem> own) {
        BufferMemory memory = buffer.memoryOrNull();
        if (memory == null) return buffer.importers().judged(function, attachment.stream());
        TranslatedView view = null;
        try {
            view = TranslatedView.open(buffer, function, memory);
        } catch (DmaBufException e) {
            own.add(Verdict.Problem.ofExporter(false, String.valueOf(e.getMessage())));
        }
        try {
            return buffer.importers().judged(function, attachment.stream(), planned(view, memory), memory);
        } finally {
            if (view != null) view.close();
        }
    }

    private SegmentList planned(@Nullable TranslatedView view, BufferMemory memory) {
        return buffer.importers().planned(function, view == null ? memory.runs() : view.runs());
    }

    DeviceMapping map() throws DmaBufException {
        BufferMemory memory = buffer.obtain();
        check(memory);
        TranslatedView view = TranslatedView.open(buffer, function, memory);
        boolean done = false;
        try {
            DeviceMapping made = map(memory, view);
            done = true;
            return made;
        } finally {
            if (!done && view != null) view.close();
        }
    }

    /** Three steps: plan, place, transfer. A step that fails undoes those before it. */
    private DeviceMapping map(BufferMemory memory, @Nullable TranslatedView view) throws DmaBufException {
        Plan plan = plan(memory, view);
        boolean done = false;
        boolean joined = false;
        try {
            joined = join(plan);
            DeviceMapping made = handOver(plan, place(plan, memory));
            done = true;
            return made;
        } finally {
            if (!done && joined) buffer.core().gate().leave(plan.lines, plan.holder);
            if (!done && plan.bounce != null) plan.bounce.close();
        }
    }

    /**
     * What the device will see, and the holder of its lines.
     *
     * @param holder the mapping's own if the attachment does not hold these lines, or holds them in another way
     * @param bounce a bounce buffer, if the memory does not suit the device
     */
    private record Plan(Lines lines, Holder holder, @Nullable Bounce bounce, @Nullable TranslatedView view) {}

    private Plan plan(BufferMemory memory, @Nullable TranslatedView view) throws DmaBufException {
        Lines lines = view == null ? buffer.lines() : view.lines();
        Verdict verdict = buffer.importers().judged(function, attachment.stream(), planned(view, memory), memory);
        Bounce bounce = verdict.fits() ? null : bounced(verdict, memory, lines);
        return new Plan(lines, holder(view, bounce), bounce, view);
    }

    /** @return whether the mapping has its own holder, which leaves with it */
    private boolean join(Plan plan) throws DmaBufException {
        if (plan.holder.equals(attachment.holder())) return false;
        buffer.backing().join(plan.lines, plan.holder, function);
        return true;
    }

    /** The device addresses of a buffer, and the importer's list. */
    private record Placed(Segments segments, SegmentList list) {}

    /** Checked again after placement, which determines the addresses. */
    private Placed place(Plan plan, BufferMemory memory) throws DmaBufException {
        Bounce bounce = plan.bounce;
        Segments segments = inSpace(
                bounce == null ? buffer.core().gate().memoryOf(plan.lines, plan.holder) : bounce.runs());
        SegmentList list = SegmentList.of(segments, function.params(), buffer.core().listCuts());
        Verdict found = bounce == null
                ? buffer.importers().judged(function, attachment.stream(), list, memory)
                : Verdict.of(list, bounce.runs(), BufferMemory.Kind.RAM, function.params());
        if (found.fits()) return new Placed(segments, list);
        function.space().unmap(segments);
        throw buffer.refused(Errno.EIO, "%s cannot have it %s: %s".formatted(function.name(),
                bounce == null ? "without a copy" : "as a copy either, where there is memory for one", found));
    }

    /** Transfers it to the device. */
    private DeviceMapping handOver(Plan plan, Placed placed) {
        if (!attributes.contains(DmaAttribute.CPU_KEEPS)) {
            buffer.core().gate().forDevice(plan.lines, plan.holder, 0, buffer.size(), direction,
                    attributes.contains(DmaAttribute.SKIP_CPU_SYNC));
        }
        DeviceMapping made = new DeviceMapping(attachment, plan.holder, direction, attributes, plan.lines,
                placed.segments, placed.list, plan.bounce, plan.view);
        made.begin();
        return made;
    }

    private Holder holder(@Nullable TranslatedView view, @Nullable Bounce bounce) {
        // The lines of a bounce buffer are accessed by the CPU, without cache maintenance.
        if (bounce != null) return new Holder(attachment.number(), function.name(), true, bounce);
        if (view == null) return attachment.holder();
        return new Holder(attachment.number(), function.name(), attachment.holder().coherent());
    }

    private void check(BufferMemory memory) throws DmaBufException {
        if (memory.readOnly() && direction.deviceWrites()) {
            buffer.core().findings().add(Rule.D11_READ_ONLY_MEMORY, attachment.subject(), 0, buffer.size(),
                    "mapped to be written, and it is read-only");
            throw buffer.refused(Errno.EACCES, function.name() + " would write it, and it is read-only");
        }
        if (attributes.contains(DmaAttribute.MMIO) && memory.kind() == BufferMemory.Kind.RAM) {
            buffer.core().findings().add(Rule.D14_MMIO_OF_RAM, attachment.subject(), 0, buffer.size(),
                    "mapped as a device's registers, and it is memory of the system");
        }
        if (buffer.core().gate().lacksInvalidation(attachment.holder(), direction)) {
            throw buffer.refused(Errno.EOPNOTSUPP,
                    "this process cannot invalidate cache lines, so %s, which does not snoop, may only read".formatted(
                            function.name()));
        }
        if (attributes.contains(DmaAttribute.REQUIRE_COHERENT)
                && buffer.core().gate().isCached(attachment.holder())) {
            throw buffer.refused(Errno.EOPNOTSUPP, "%s does not snoop, and coherence is required".formatted(
                    function.name()));
        }
    }

    private Bounce bounced(Verdict verdict, BufferMemory memory, Lines lines) throws DmaBufException {
        if (!verdict.bounceable() || memory.kind() != BufferMemory.Kind.RAM
                || !attributes.contains(DmaAttribute.ALLOW_BOUNCE)) {
            int errno = verdict.errno() == Errno.EBUSY ? Errno.EIO : verdict.errno();
            throw buffer.refused(errno, "%s cannot have it without a copy: %s".formatted(function.name(), verdict));
        }
        Bounce made = Bounce.open(buffer, lines.runs(), function);
        buffer.core().findings().add(Rule.BOUNCED, attachment.subject(), 0, buffer.size(),
                "copied through other memory: " + verdict);
        return made;
    }

    private Segments inSpace(Runs seen) throws DmaBufException {
        try {
            return function.space().map(seen, permission(), new Owner(attachment.number(), buffer.name()),
                    SegmentList.placement(function.params(), seen.bytes()));
        } catch (MapException e) {
            int errno = e.refusal() == Refusal.INJECTED ? e.errno() : Errno.ENOMEM;
            throw buffer.refused(errno, "%s has no addresses for it: %s".formatted(function.name(),
                    e.getMessage()));
        }
    }

    private Permission permission() {
        return switch (direction) {
            case TO_DEVICE -> Permission.READ_ONLY;
            case FROM_DEVICE -> Permission.WRITE_ONLY;
            case BIDIRECTIONAL -> Permission.READ_WRITE;
        };
    }
}
