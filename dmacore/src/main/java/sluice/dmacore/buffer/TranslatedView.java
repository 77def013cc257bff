package sluice.dmacore.buffer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.LedgerFullException;
import sluice.dmacore.ownership.Lines;

/**
 * The exporter's view of a buffer for a device, while it is mapped: the same memory in another order, or other memory.
 * The view has lines of its own in the ledger, in view order. Accesses and syncs apply to the lines behind the view,
 * which other holders of the buffer share.
 */
final class TranslatedView {
    private final DmaBuf buffer;
    private final BufferMemory memory;
    private final Lines lines;

    private TranslatedView(DmaBuf buffer, BufferMemory memory, Lines lines) {
        this.buffer = buffer;
        this.memory = memory;
        this.lines = lines;
    }

    /**
     * Opens the view for a function; null if the exporter has no translator for it. With the buffer locked.
     *
     * @throws DmaBufException errors of the exporter; EINVAL, EFAULT (as for its memory), ENOSPC, ENOMEM
     */
    static @Nullable TranslatedView open(DmaBuf buffer, DeviceFunction function, BufferMemory memory)
            throws DmaBufException {
        BufferMemory made = buffer.exporter().translate(function, memory);
        if (made == null) return null;
        ExportedMemory.checked(buffer, made);
        boolean held = false;
        boolean done = false;
        try {
            held = buffer.core().system().hold(made.runs());
            if (!held) throw buffer.refused(Errno.ENOSPC, "the exporter's view exceeds the limit of files");
            TranslatedView view = new TranslatedView(buffer, made, register(buffer, function, made.runs()));
            done = true;
            return view;
        } finally {
            if (!done && held) buffer.core().system().letGo(made.runs());
            if (!done) made.free();
        }
    }

    private static Lines register(DmaBuf buffer, DeviceFunction function, Runs seen) throws DmaBufException {
        DmaCore core = buffer.core();
        int number = core.nextNumber();
        core.trace().name(number, buffer.name() + " for " + function.name());
        try {
            Ledger.Shared shared = core.ledger().add(number, buffer.name(), seen,
                    buffer.exporter().cpuWriters() == Exporter.CpuWriters.UNSEEN, buffer.payer());
            return shared.lines();
        } catch (LedgerFullException e) {
            throw buffer.refused(Errno.ENOMEM, String.valueOf(e.getMessage()));
        }
    }

    /** The memory that the device sees, in order. */
    Runs runs() {
        return memory.runs();
    }

    Lines lines() {
        return lines;
    }

    /** Closes the view; no holder owns a part of it. */
    void close() {
        buffer.backing().noteCost(buffer.core().ledger().counters(lines));
        buffer.core().ledger().remove(lines);
        buffer.core().system().letGo(memory.runs());
        memory.free();
    }
}
