package sluice.dmacore.buffer;

import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Gate;
import sluice.dmacore.ownership.Holder;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.LedgerFullException;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.ownership.OwnershipCounters;

/** The memory of a buffer, and its lines in the ledger. Guarded by the buffer's lock. */
final class Backing {
    private final DmaBuf buffer;
    private @Nullable BufferMemory memory;
    /** Set while a device is attached or a CPU access is open. Devices read it without the lock. */
    private volatile @Nullable Lines lines;
    /** Counters of transfers through exporters' views while the lines are in the ledger. */
    private OwnershipCounters ofViews = new OwnershipCounters();

    Backing(DmaBuf buffer) {
        this.buffer = buffer;
    }

    @Nullable
    BufferMemory memory() {
        return memory;
    }

    @Nullable
    Lines lines() {
        return lines;
    }

    /** Counters of transfers since the first attachment, including ended views. */
    OwnershipCounters counters() {
        OwnershipCounters all = new OwnershipCounters();
        Lines known = lines;
        if (known == null) return all;
        all.add(buffer.core().ledger().counters(known));
        all.add(ofViews);
        return all;
    }

    /** Adds the counters of a view that has ended. */
    void noteCost(OwnershipCounters counters) {
        if (lines != null) ofViews.add(counters);
    }

    // ---- memory

    /**
     * Allocates memory, and joins these attachments to its lines.
     *
     * @throws DmaBufException the exporter's, ENOSPC or ENOMEM; no memory is allocated then
     */
    BufferMemory allocate(AllocationRequest request, List<Attachment> attachments) throws DmaBufException {
        BufferMemory made = ExportedMemory.checked(buffer, buffer.exporter().allocate(request));
        hold(made);
        memory = made;
        try {
            joinAll(attachments);
        } catch (DmaBufException e) {
            free();
            throw e;
        }
        return made;
    }

    /**
     * Replaces the memory by other memory with the same content.
     *
     * @throws DmaBufException ENOSPC, ENOMEM; the memory is unchanged then
     */
    void replace(BufferMemory next, List<Attachment> attachments) throws DmaBufException {
        hold(next);
        BufferMemory former = memory;
        leaveAll(attachments, attachments.size());
        memory = next;
        try {
            joinAll(attachments);
        } catch (DmaBufException e) {
            memory = former;
            free(next);
            joinAll(attachments);
            throw e;
        }
        if (former != null) free(former);
    }

    /** Releases the memory, if there is any; no holder may own a part of it. */
    void free() {
        BufferMemory former = memory;
        memory = null;
        if (former != null) free(former);
    }

    private void hold(BufferMemory made) throws DmaBufException {
        if (buffer.core().system().hold(made.runs())) return;
        made.free();
        throw buffer.refused(Errno.ENOSPC, "its memory exceeds the limit of files, or is in a file of more than 1 TiB");
    }

    private void free(BufferMemory former) {
        buffer.core().system().letGo(former.runs());
        former.free();
    }

    // ---- lines

    /**
     * Registers the memory in the ledger, unless it is registered.
     *
     * @throws DmaBufException ENOMEM: the ledger cannot hold it
     */
    Lines register() throws DmaBufException {
        Lines known = lines;
        if (known != null) return known;
        BufferMemory present = memory;
        if (present == null) throw new IllegalStateException("no memory to register");
        Ledger.Shared shared;
        try {
            shared = buffer.core().ledger().add(buffer.number(), buffer.name(), present.runs(),
                    buffer.exporter().cpuWriters() == Exporter.CpuWriters.UNSEEN, buffer.payer());
        } catch (LedgerFullException e) {
            throw buffer.refused(Errno.ENOMEM, String.valueOf(e.getMessage()));
        }
        lines = shared.lines();
        if (!shared.buffers().isEmpty()) {
            buffer.core().findings().add(Rule.SAME_PAGES_TWICE, buffer.subject(), 0, buffer.size(),
                    "it has lines of " + shared.buffers().stream().sorted().collect(Collectors.joining(", ")));
        }
        return shared.lines();
    }

    /** Unregisters it, if it is registered; no holder may own a part of it. */
    void unregister() {
        Lines known = lines;
        if (known == null) return;
        lines = null;
        ofViews = new OwnershipCounters();
        buffer.core().ledger().remove(known);
    }

    /**
     * Joins an attachment to the lines of the memory, now or when it is allocated.
     *
     * @param present number of present attachments
     * @throws DmaBufException ENOMEM: too many share a line, or the ledger cannot hold them
     */
    void join(Attachment attachment, int present) throws DmaBufException {
        if (memory == null) {
            if (present >= Gate.MOST_HOLDERS) throw tooMany(attachment.function());
            return;
        }
        boolean joined = false;
        try {
            join(register(), attachment.joining(memory), attachment.function());
            joined = true;
        } finally {
            if (!joined) buffer.unregisterIfUnused();
        }
    }

    /**
     * Joins a holder to the lines of the memory or of a view of it.
     *
     * @throws DmaBufException ENOMEM: too many holders share a line, or shadow memory cannot be allocated
     */
    void join(Lines shared, Holder holder, DeviceFunction function) throws DmaBufException {
        boolean joined;
        try {
            joined = buffer.core().gate().join(shared, holder);
        } catch (UncheckedIOException e) {
            throw buffer.refused(Errno.ENOMEM, String.valueOf(e.getMessage()));
        }
        if (!joined) throw tooMany(function);
    }

    /** Whether one more holder could join, as far as known without registering the memory. */
    boolean hasRoom(int present) {
        Lines known = lines;
        return known == null ? present < Gate.MOST_HOLDERS : buffer.core().gate().hasRoom(known);
    }

    void leave(Attachment attachment) {
        Lines known = lines;
        if (known != null) buffer.core().gate().leave(known, attachment.holder());
    }

    /** Joins all attachments, or none. */
    private void joinAll(List<Attachment> attachments) throws DmaBufException {
        BufferMemory present = memory;
        if (present == null) throw new IllegalStateException("no memory to join");
        for (int i = 0; i < attachments.size(); i++) {
            boolean joined = false;
            try {
                join(register(), attachments.get(i).joining(present), attachments.get(i).function());
                joined = true;
            } finally {
                if (!joined) leaveAll(attachments, i);
            }
        }
    }

    /** Removes the first {@code count} attachments from the lines, and the lines from the ledger. */
    private void leaveAll(List<Attachment> attachments, int joined) {
        for (int i = 0; i < joined; i++) leave(attachments.get(i));
        unregister();
    }

    /** The refusal if too many holders share a line. */
    private DmaBufException tooMany(DeviceFunction function) {
        buffer.core().findings().add(Rule.D18_TOO_MANY_OVERLAPS, buffer.subject(function), 0, buffer.size(),
                "%d attachments share a line".formatted(Gate.MOST_HOLDERS));
        return buffer.refused(Errno.ENOMEM, "%d attachments share one of its lines, which looks like a leak"
                .formatted(Gate.MOST_HOLDERS));
    }
}
