package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Gate;
import sluice.dmacore.trace.EventKind;

/**
 * The attachments of one buffer, and the checks of new ones: memory, late attachment, exporter. Guarded by the buffer's
 * lock.
 */
final class Importers {
    private final DmaBuf buffer;
    private final Backing backing;
    private final List<Attachment> attachments = new ArrayList<>();
    /** Whether a device has fetched its segments, so that the memory was chosen for the devices attached then. */
    private boolean inUse;

    Importers(DmaBuf buffer, Backing backing) {
        this.buffer = buffer;
        this.backing = backing;
    }

    /** A copy. */
    List<Attachment> all() {
        return List.copyOf(attachments);
    }

    int count() {
        return attachments.size();
    }

    /** The combined constraints of the attached devices. */
    List<DeviceDmaParams> params() {
        return attachments.stream().map(attachment -> attachment.function().params()).toList();
    }

    /** Live mappings. */
    List<DeviceMapping> liveMappings() {
        List<DeviceMapping> live = new ArrayList<>();
        for (Attachment attachment : attachments) {
            DeviceMapping mapping = attachment.mapping();
            if (mapping != null && mapping.isLive()) live.add(mapping);
        }
        return live;
    }

    // ---- attaching

    /** @throws DmaBufException see {@link DmaBuf#attach(DeviceFunction, Stream)} */
    Attachment attach(DeviceFunction function, Stream stream, @Nullable Direction direction,
            @Nullable MoveListener listener, boolean bouncing) throws DmaBufException {
        Verdict verdict = judged(function, stream);
        if (direction != null) verdict = verdict.with(against(stream, direction));
        if (isLate()) verdict = verdict.with(Verdict.Problem.of(Verdict.Limit.LATE));
        if (!verdict.fits() && !(bouncing && verdict.bounceable() && verdict.errno() == Errno.EBUSY)) {
            throw buffer.refused(verdict.errno(), "%s cannot attach: %s".formatted(function.name(), verdict));
        }
        DmaCore core = buffer.core();
        Attachment attachment = new Attachment(buffer, function, stream, listener, core.nextNumber());
        backing.join(attachment, attachments.size());
        attachments.add(attachment);
        function.noteAttached();
        core.trace().name(attachment.number(), attachment.traceName());
        core.trace().record(EventKind.ATTACH, buffer.number(), attachment.number(), 0, 0, buffer.size(), 0);
        return attachment;
    }

    /** A dry run of attaching: all reasons against it. */
    Verdict wouldAttach(DeviceFunction function, Stream stream) {
        List<Verdict.Problem> own = new ArrayList<>();
        DmaBuf.State state = buffer.state();
        if (state == DmaBuf.State.REVOKED || state == DmaBuf.State.RELEASED)
            own.add(Verdict.Problem.of(Verdict.Limit.STATE));
        if (isLate()) own.add(Verdict.Problem.of(Verdict.Limit.LATE));
        if (!backing.hasRoom(attachments.size())) {
            own.add(new Verdict.Problem(-1, Verdict.Limit.HOLDERS, Gate.MOST_HOLDERS, Gate.MOST_HOLDERS, false, false));
        }
        return judged(function, stream).with(own);
    }

    private boolean isLate() {
        return inUse && buffer.core().options().lateAttach() == LateAttach.NEVER;
    }

    /** A device has fetched its segments: later attachments are late. */
    void noteUsed() {
        inUse = true;
    }

    void remove(Attachment attachment) {
        attachments.remove(attachment);
        backing.leave(attachment);
    }

    // ---- what is in the way

    /** Reasons against a stream and a direction, independent of the device's limits. */
    List<Verdict.Problem> against(Stream stream, Direction direction) {
        List<Verdict.Problem> found = new ArrayList<>();
        if (!direction.deviceWrites()) return found;
        DmaCore core = buffer.core();
        if (core.isCached(stream) && !core.options().executor().invalidates())
            found.add(Verdict.Problem.of(Verdict.Limit.INVALIDATION));
        BufferMemory present = backing.memory();
        if (present != null && present.readOnly()) found.add(Verdict.Problem.of(Verdict.Limit.READ_ONLY));
        return found;
    }

    /** Checks the memory, or only the size before allocation, for a function; the exporter has the last word. */
    Verdict judged(DeviceFunction function, Stream stream) {
        BufferMemory present = backing.memory();
        return present == null
                ? buffer.exporter().review(function, stream, Verdict.ofSize(buffer.size(), function.params()))
                : judged(function, stream, planned(function, present.runs()), present);
    }

    /** The same for given segments of the memory. */
    Verdict judged(DeviceFunction function, Stream stream, SegmentList list, BufferMemory present) {
        return buffer.exporter().review(function, stream, Verdict.of(list, present, function.params()));
    }

    /** The segments that a function would get. */
    SegmentList planned(DeviceFunction function, Runs seen) {
        return SegmentList.planned(seen, function.params(),
                run -> buffer.core().system().addressOf(seen.mapping(run), seen.offset(run)));
    }
}
