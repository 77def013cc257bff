package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.trace.EventKind;

/** The open CPU accesses of one buffer. Guarded by the buffer's lock. */
final class CpuAccesses {
    private final DmaBuf buffer;
    private final List<CpuAccess> open = new ArrayList<>();

    CpuAccesses(DmaBuf buffer) {
        this.buffer = buffer;
    }

    boolean isOpen() {
        return !open.isEmpty();
    }

    /** @throws DmaBufException see {@link Opener#begin(long, long, Direction)} */
    CpuAccess begin(Opener opener, long from, long length, Direction direction) throws DmaBufException {
        synchronized (buffer) {
            if (opener.isClosed()) throw buffer.refused(Errno.EBADF, opener.who() + " has closed it");
            if (from < 0 || length < 0 || from > buffer.size() - length) {
                throw buffer.refused(Errno.EINVAL,
                        "an access to %d bytes at %d exceeds the %d bytes of the buffer".formatted(length,
                                from, buffer.size()));
            }
            BufferMemory memory = buffer.obtain();
            if (memory.kind() == BufferMemory.Kind.DEVICE)
                throw buffer.refused(Errno.EOPNOTSUPP,
                        "it is device memory without pages, which the CPU cannot access");
            if (memory.readOnly() && direction.deviceReads())
                throw buffer.refused(Errno.EACCES, "it is read-only");
            // Also without attachments: a device may own the same memory through another buffer.
            Lines lines = buffer.register();
            boolean begun = false;
            try {
                buffer.exporter().beginCpuAccess(from, length, direction);
                begun = true;
            } finally {
                if (!begun) buffer.unregisterIfUnused();
            }
            buffer.core().gate().beginCpuAccess(lines, from, length, direction);
            for (DeviceMapping mapping : buffer.importers().liveMappings()) mapping.borrowed(from, length, direction);
            CpuAccess access = new CpuAccess(opener, memory.runs(), from, length, direction);
            open.add(access);
            opener.accesses().add(access);
            buffer.core().trace().record(EventKind.BEGIN_CPU_ACCESS, buffer.number(), 0, direction.number(), from,
                    length, 0);
            return access;
        }
    }

    /** Ends an access; its lines return to their owner with the last access that covers them. */
    void end(CpuAccess access) throws DmaBufException {
        synchronized (buffer) {
            open.remove(access);
            access.opener().accesses().remove(access);
            for (DeviceMapping mapping : buffer.importers().liveMappings())
                mapping.givenBack(access.from(), access.length(), access.direction());
            buffer.core().gate().endCpuAccess(buffer.lines(), access.from(), access.length(), access.direction());
            buffer.unregisterIfUnused();
            buffer.exporter().endCpuAccess(access.from(), access.length(), access.direction());
            buffer.core().trace().record(EventKind.END_CPU_ACCESS, buffer.number(), 0, access.direction().number(),
                    access.from(), access.length(), 0);
        }
    }
}
