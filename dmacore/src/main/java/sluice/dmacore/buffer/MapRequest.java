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
        boolean cached = buffer.core().gate().isCached(attachment.holder());
        BufferMemory memory = buffer.memoryOrNull();
        Verdict judged = buffer.judged(function, attachment.stream());
        if (attachment.mapping() != null) own.add(Verdict.Problem.of(Verdict.Limit.MAPPED));
        if (buffer.state() == DmaBuf.State.MOVING) own.add(Verdict.Problem.of(Verdict.Limit.MOVING));
        own.addAll(buffer.against(attachment.stream(), direction));
        if (memory != null && cached && judged.fits() && isTranslated(memory))
            own.add(Verdict.Problem.of(Verdict.Limit.TRANSLATOR));
        return judged.with(own);
    }

    private boolean isTranslated(BufferMemory memory) {
        BufferMemory translated = buffer.exporter().translate(function, memory);
        if (translated == null) return false;
        translated.free();
        return true;
    }

    private boolean lacksInvalidation(boolean cached) {
        return cached && direction.deviceWrites() && !buffer.core().options().executor().invalidates();
    }

    /** @param planned the attachment's segments */
    DeviceMapping map(SegmentList planned) throws DmaBufException {
        BufferMemory memory = buffer.obtain();
        check(memory);
        Lines lines = buffer.lines();
        boolean cached = buffer.core().gate().isCached(attachment.holder());
        Verdict verdict = buffer.judged(function, attachment.stream(), planned, memory);
        Bounce bounce = verdict.fits() ? null : bounced(verdict, memory);
        BufferMemory translated = bounce == null ? translated(memory, cached) : null;
        Runs seen;
        if (bounce != null) {
            seen = bounce.runs();
        } else if (translated != null) {
            seen = translated.runs();
        } else {
            seen = cached ? buffer.core().options().executor().deviceMemory(lines) : memory.runs();
        }
        Holder holder = bounce == null || !cached ? attachment.holder() : copying();
        boolean done = false;
        try {
            if (!holder.equals(attachment.holder()) && !buffer.core().gate().join(lines, holder))
                throw buffer.backing().tooMany(function);
            Segments segments = inSpace(seen);
            SegmentList list = SegmentList.of(segments, function.params());
            Verdict found = bounce == null ? buffer.judged(function, attachment.stream(), list, memory) : Verdict.FITS;
            if (!found.fits()) {
                function.space().unmap(segments);
                throw buffer.refused(Errno.EIO,
                        "%s cannot have it without a copy: %s".formatted(function.name(), found));
            }
            if (!attributes.contains(DmaAttribute.CPU_KEEPS)) {
                buffer.core().gate().forDevice(lines, holder, 0, buffer.size(), direction,
                        attributes.contains(DmaAttribute.SKIP_CPU_SYNC));
            }
            DeviceMapping made = new DeviceMapping(attachment, holder, direction, attributes, lines, segments, list,
                    bounce, translated);
            if (bounce != null) bounce.toDevice(memory.runs(), 0, buffer.size());
            done = true;
            return made;
        } finally {
            if (!done && !holder.equals(attachment.holder())) buffer.core().gate().leave(lines, holder);
            if (!done && bounce != null) bounce.close();
            if (!done && translated != null) translated.free();
        }
    }

    /** Who owns the lines of a bounced mapping: it is the CPU that reads and writes them, and no cache is in its way. */
    private Holder copying() {
        return new Holder(attachment.number(), function.name(), true);
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

    private @Nullable BufferMemory translated(BufferMemory memory, boolean cached) throws DmaBufException {
        BufferMemory translated = buffer.exporter().translate(function, memory);
        if (translated == null) return null;
        if (cached) {
            translated.free();
            throw buffer.refused(Errno.EOPNOTSUPP, """
                    %s does not snoop, and sees it through a translator of %s: which cache lines it touches is not \
                    known""".formatted(function.name(), buffer.exporter().name()));
        }
        return ExportedMemory.checked(buffer, translated);
    }

    private Bounce bounced(Verdict verdict, BufferMemory memory) throws DmaBufException {
        if (!verdict.bounceable() || memory.kind() != BufferMemory.Kind.RAM
                || !attributes.contains(DmaAttribute.ALLOW_BOUNCE)) {
            int errno = verdict.errno() == Errno.EBUSY ? Errno.EIO : verdict.errno();
            throw buffer.refused(errno, "%s cannot have it without a copy: %s".formatted(function.name(), verdict));
        }
        Bounce made = Bounce.open(buffer, function);
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
