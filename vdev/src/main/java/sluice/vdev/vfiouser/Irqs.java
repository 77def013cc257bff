package sluice.vdev.vfiouser;

import java.io.IOException;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalLong;

import io.netty.buffer.ByteBuf;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.pci.Msix;

/** The interrupts of a PCI function as VFIO numbers them (linux/vfio.h, VFIO_PCI_INTX_IRQ_INDEX and following). */
final class Irqs {
    static final int COUNT = 5;
    private static final int LINE = 0;
    private static final int VECTORS = 2;
    private static final int INFO_BYTES = 16;

    private static final int INFO_EVENTFD = 1;
    private static final int INFO_MASKABLE = 1 << 1;
    private static final int INFO_AUTOMASKED = 1 << 2;
    private static final int INFO_NORESIZE = 1 << 3;

    private static final int DATA_NONE = 1;
    private static final int DATA_BOOL = MessageDecoder.IRQ_DATA_BOOL;
    private static final int DATA_EVENTFD = MessageDecoder.IRQ_DATA_EVENTFD;
    private static final int DATA = DATA_NONE | DATA_BOOL | DATA_EVENTFD;
    private static final int MASK = 1 << 3;
    private static final int UNMASK = 1 << 4;
    private static final int TRIGGER = 1 << 5;
    private static final int ACTION = MASK | UNMASK | TRIGGER;

    private final FunctionHost host;
    private final int vectors;
    private final int lines;
    /** The kernel's eventfd ids of the line's trigger and unmask eventfds. */
    private OptionalLong lineId = OptionalLong.empty();
    private OptionalLong unmaskId = OptionalLong.empty();

    Irqs(FunctionHost host) {
        this.host = host;
        ConfigSpace config = host.function().config();
        Msix msix = config.msix();
        vectors = msix == null ? 0 : msix.vectors();
        lines = config.interruptPin() == 0 ? 0 : 1;
    }

    private int count(int index) {
        return index == LINE ? lines : index == VECTORS ? vectors : 0;
    }

    /** Answers GET_IRQ_INFO. */
    void info(ClientMessage.GetIrqInfo question, Answers.Place place) throws IOException {
        int index = question.index();
        if (index < 0 || index >= COUNT)
            throw new RefusedException(Errno.EINVAL, "unknown interrupt type " + Integer.toUnsignedString(index));
        int flags = count(index) == 0
                ? 0
                : INFO_EVENTFD | (index == LINE ? INFO_MASKABLE | INFO_AUTOMASKED : INFO_NORESIZE);
        place.answer(body -> write(body, index, flags, count(index)));
    }

    private static void write(ByteBuf body, int index, int flags, int count) {
        body.writeIntLE(INFO_BYTES).writeIntLE(flags).writeIntLE(index).writeIntLE(count);
    }

    /** Carries out SET_IRQS. Its descriptors are closed if it is refused. */
    void set(ClientMessage.SetIrqs set) throws IOException {
        try {
            check(set);
            for (Fd fd : set.fds()) {
                if (!EventFd.isEventFd(fd))
                    throw new RefusedException(Errno.EINVAL, "a descriptor of SET_IRQS is not an eventfd");
                UnixSocket.setNonBlocking(fd);
            }
            if (set.index() == LINE && (set.flags() & (DATA_EVENTFD | DATA_NONE)) != 0) noteLine(set);
        } catch (IOException e) {
            host.loop().disposal().closeAll(set.fds());
            throw e;
        }
        carryOut(set);
    }

    private void noteLine(ClientMessage.SetIrqs set) throws IOException {
        if (set.count() == 0) {
            close();
            return;
        }
        if ((set.flags() & DATA_EVENTFD) == 0) return;
        OptionalLong id = set.fds().isEmpty() ? OptionalLong.empty() : EventFd.id(set.fds().getFirst());
        if ((set.flags() & TRIGGER) != 0) {
            replace(LineEvents.Role.SIGNALLED, lineId, id);
            lineId = id;
        } else {
            replace(LineEvents.Role.UNMASKS, unmaskId, id);
            unmaskId = id;
        }
    }

    private static void replace(LineEvents.Role role, OptionalLong former, OptionalLong next) throws RefusedException {
        if (LineEvents.ofProcess().replace(role, former, next)) return;
        throw new RefusedException(Errno.EINVAL,
                "the eventfd of the interrupt line is the one that unmasks it, or another one of this process: it would signal itself");
    }

    /** The front-end has disconnected. */
    void close() {
        LineEvents.ofProcess().replace(LineEvents.Role.SIGNALLED, lineId, OptionalLong.empty());
        LineEvents.ofProcess().replace(LineEvents.Role.UNMASKS, unmaskId, OptionalLong.empty());
        lineId = OptionalLong.empty();
        unmaskId = OptionalLong.empty();
    }

    private void check(ClientMessage.SetIrqs set) throws RefusedException {
        int data = set.flags() & DATA;
        int action = set.flags() & ACTION;
        if (set.flags() != (data | action) || Integer.bitCount(data) != 1 || Integer.bitCount(action) != 1) {
            throw new RefusedException(Errno.EINVAL,
                    "flags 0x%x of SET_IRQS must have exactly one kind of data and one action".formatted(
                            set.flags()));
        }
        int index = set.index();
        boolean disable = set.count() == 0 && set.start() == 0 && data == DATA_NONE && action == TRIGGER
                && index >= 0 && index < COUNT;
        if (disable) return;
        if (set.count() == 0 || set.start() + set.count() > count(index)) {
            throw new RefusedException(Errno.EINVAL,
                    "%2$d interrupts from %1$d on, of type %3$s, which has %4$d".formatted(
                            set.start(), set.count() - 1, Integer.toUnsignedString(index), count(index)));
        }
        if (!set.fds().isEmpty() && set.fds().size() != set.count()) {
            throw new RefusedException(Errno.EINVAL,
                    "%d descriptors for %d interrupts".formatted(set.fds().size(), set.count()));
        }
        if (action != TRIGGER && (index != LINE || (action == MASK && data == DATA_EVENTFD))) {
            throw new RefusedException(Errno.EINVAL,
                    "only the interrupt line can be masked, and not by an eventfd");
        }
    }

    private void carryOut(ClientMessage.SetIrqs set) {
        boolean line = set.index() == LINE;
        boolean trigger = (set.flags() & TRIGGER) != 0;
        int first = (int) set.start();
        int count = (int) set.count();
        if (count == 0) {
            disable(set.index());
        } else if ((set.flags() & DATA_EVENTFD) != 0) {
            setEventFds(line, trigger, first, count, set.fds());
        } else {
            BitSet chosen = new BitSet();
            for (int i = 0; i < count; i++) {
                if ((set.flags() & DATA_NONE) != 0 || set.choice()[i] != 0) chosen.set(first + i);
            }
            if (!chosen.isEmpty()) act(line, trigger, (set.flags() & MASK) != 0, chosen);
        }
    }

    private void disable(int index) {
        if (index == LINE) {
            host.setLine(null);
            host.setLineUnmask(null);
        } else if (index == VECTORS) {
            host.clearVectors(0, vectors);
        }
    }

    private void setEventFds(boolean line, boolean trigger, int first, int count, List<Fd> fds) {
        if (!line) {
            if (fds.isEmpty()) {
                host.clearVectors(first, count);
            } else {
                host.setVectors(first, fds);
            }
            return;
        }
        Fd fd = fds.isEmpty() ? null : fds.getFirst();
        if (trigger) {
            host.setLine(fd);
        } else {
            host.setLineUnmask(fd);
        }
    }

    private void act(boolean line, boolean trigger, boolean mask, BitSet chosen) {
        if (!trigger) {
            host.maskLine(mask);
        } else if (line) {
            host.triggerLine();
        } else {
            host.triggerVectors(chosen);
        }
    }
}
