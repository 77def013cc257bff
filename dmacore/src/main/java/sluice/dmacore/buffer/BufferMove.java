package sluice.dmacore.buffer;

import java.util.List;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.EventKind;

/** Moves a buffer to other memory: notifies importers, waits for unmaps, revokes the rest, copies. */
final class BufferMove {
    private BufferMove() {}

    static void move(DmaBuf buffer) throws DmaBufException {
        List<Attachment> mapped = begin(buffer);
        try {
            for (Attachment attachment : mapped) {
                MoveListener listener = attachment.listener();
                if (listener != null) listener.moving(attachment);
            }
            for (Attachment attachment : mapped) awaitUnmapped(buffer, attachment);
            copy(buffer);
            buffer.core().trace().record(EventKind.MOVE, buffer.number(), 0, 0, 0, buffer.size(), buffer.size());
        } finally {
            synchronized (buffer) {
                // A buffer that was revoked or released in the meantime keeps that state.
                if (isMoving(buffer)) buffer.setState(DmaBuf.State.ALLOCATED);
            }
        }
    }

    private static boolean isMoving(DmaBuf buffer) {
        return buffer.state() == DmaBuf.State.MOVING;
    }

    private static List<Attachment> begin(DmaBuf buffer) throws DmaBufException {
        synchronized (buffer) {
            if (buffer.state() != DmaBuf.State.ALLOCATED)
                throw buffer.refused(Errno.EBUSY, "it is " + buffer.state() + " and cannot be moved");
            if (!buffer.exporter().moves())
                throw buffer.refused(Errno.EOPNOTSUPP, buffer.exporter().name() + " cannot move what it exports");
            if (buffer.accesses().isOpen())
                throw buffer.refused(Errno.EBUSY, "the CPU is accessing it");
            for (Attachment attachment : buffer.attachments()) {
                if (attachment.keepsInPlace())
                    throw buffer.refused(Errno.EBUSY, attachment.function().name() + " keeps it where it is");
                if (attachment.mapping() != null && attachment.function().space().insideSection()) {
                    throw buffer.refused(Errno.EDEADLK,
                            "it is moved inside of a read section of %s, which has it mapped"
                                    .formatted(attachment.function().name()));
                }
            }
            buffer.setState(DmaBuf.State.MOVING);
            return buffer.attachments().stream().filter(attachment -> attachment.mapping() != null).toList();
        }
    }

    private static void awaitUnmapped(DmaBuf buffer, Attachment attachment) {
        synchronized (buffer) {
            if (buffer.awaitWithinBound(() -> !isMoving(buffer) || attachment.mapping() == null)) return;
            buffer.core().findings().add(Rule.HELD_OVER_MOVE, attachment.subject(), 0, buffer.size(),
                    "still mapped %d ms after the notification of a move"
                            .formatted(buffer.core().options().moveBound().toMillis()));
            attachment.takeAway();
        }
    }

    private static void copy(DmaBuf buffer) throws DmaBufException {
        synchronized (buffer) {
            BufferMemory former = buffer.memoryOrNull();
            if (former == null || !isMoving(buffer))
                throw buffer.refused(Errno.ENODEV, "it was taken back while it was being moved");
            checkNewest(buffer);
            List<Attachment> attachments = buffer.attachments();
            BufferMemory next = ExportedMemory.checked(buffer,
                    buffer.exporter().allocate(AllocationRequest.of(buffer.size(), buffer.importers().params())));
            Runs from = former.runs();
            for (int run = 0; run < from.count(); run++) {
                next.runs().copyFrom(from.mapping(run).segment(), from.offset(run), from.start(run), from.length(run));
            }
            buffer.replaceMemory(next);
            for (Attachment attachment : attachments) attachment.forgetSegments();
        }
    }

    /**
     * The copy reads all of it as the CPU: newer bytes of a device, possibly through another buffer over the same
     * memory, are a finding.
     */
    private static void checkNewest(DmaBuf buffer) throws DmaBufException {
        buffer.core().gate().cpuAccess(buffer.register(), 0, buffer.size(), false);
        buffer.unregisterIfUnused();
    }
}
