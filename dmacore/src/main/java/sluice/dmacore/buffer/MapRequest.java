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

/** One mapping of an attachment, while it is being made. With the buffer locked. */
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

    /** What is in the way; nothing is changed. */
    Verdict test() {
        List<Verdict.Problem> own = new ArrayList<>();
        Verdict judged = judged(own);
        if (attachment.mapping() != null) own.add(Verdict.Problem.of(Verdict.Limit.MAPPED));
        if (buffer.state() == DmaBuf.State.MOVING) own.add(Verdict.Problem.of(Verdict.Limit.MOVING));
        own.addAll(buffer.importers().against(attachment.stream(), direction));
        return judged.with(own);
    }

    /** Of what the device would see, which may be a view of the exporter's. */
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

    private boolean lacksInvalidation(boolean cached) {
        return cached && direction.deviceWrites() && !buffer.core().options().executor().invalidates();
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

    private DeviceMapping map(BufferMemory memory, @Nullable TranslatedView view) throws DmaBufException {
        Lines lines = view == null ? buffer.lines() : view.lines();
        boolean cached = buffer.core().gate().isCached(attachment.holder());
        Verdict verdict = buffer.importers().judged(function, attachment.stream(), planned(view, memory), memory);
        Bounce bounce = verdict.fits() ? null : bounced(verdict, memory, lines);
        Holder holder = holder(view, bounce);
        boolean joined = false;
        boolean done = false;
        try {
            if (!holder.equals(attachment.holder())) {
                buffer.backing().join(lines, holder, function);
                joined = true;
            }
            Segments segments = inSpace(seen(lines, bounce, cached));
            SegmentList list = SegmentList.of(segments, function.params(), buffer.core().listCuts());
            Verdict found = bounce == null
                    ? buffer.importers().judged(function, attachment.stream(), list, memory)
                    : Verdict.of(list, bounce.runs(), BufferMemory.Kind.RAM, function.params());
            if (!found.fits()) {
                function.space().unmap(segments);
                throw buffer.refused(Errno.EIO, "%s cannot have it %s: %s".formatted(function.name(),
                        bounce == null ? "without a copy" : "as a copy either, where there is memory for one", found));
            }
            if (!attributes.contains(DmaAttribute.CPU_KEEPS)) {
                buffer.core().gate().forDevice(lines, holder, 0, buffer.size(), direction,
                        attributes.contains(DmaAttribute.SKIP_CPU_SYNC));
            }
            DeviceMapping made = new DeviceMapping(attachment, holder, direction, attributes, lines, segments, list,
                    bounce, view);
            if (bounce != null) made.copyToDevice(bounce, 0, buffer.size());
            done = true;
            return made;
        } finally {
            if (!done && joined) buffer.core().gate().leave(lines, holder);
            if (!done && bounce != null) bounce.close();
        }
    }

    private Runs seen(Lines lines, @Nullable Bounce bounce, boolean cached) {
        if (bounce != null) return bounce.runs();
        if (cached) return buffer.core().options().executor().deviceMemory(lines);
        return lines.runs();
    }

    /** One of its own for lines that the attachment does not own, or owns in another way. */
    private Holder holder(@Nullable TranslatedView view, @Nullable Bounce bounce) {
        if (bounce != null) return copying(bounce);
        return view == null
                ? attachment.holder()
                : new Holder(attachment.number(), function.name(),
                        attachment.holder().coherent());
    }

    /** Who owns the lines of a bounced mapping: it is the CPU that reads and writes them, and no cache is in its way. */
    private Holder copying(Bounce bounce) {
        return new Holder(attachment.number(), function.name(), true, bounce);
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
        boolean cached = buffer.core().gate().isCached(attachment.holder());
        if (lacksInvalidation(cached)) {
            throw buffer.refused(Errno.EOPNOTSUPP,
                    "this process cannot invalidate cache lines, so %s, which does not snoop, may only read".formatted(
                            function.name()));
        }
        if (attributes.contains(DmaAttribute.REQUIRE_COHERENT) && cached) {
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
            throw buffer.refused(Errno.ENOMEM, "%s has no addresses for it: %s".formatted(function.name(),
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
