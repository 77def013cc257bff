package sluice.vdev.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.EventWatch;

/**
 * The eventfds by which a function interrupts its guest. The interrupt line is level-triggered: the eventfd is
 * signalled once and the line masked; when the front-end unmasks it while the level is still asserted, the eventfd is
 * signalled again (Linux Documentation/driver-api/vfio.rst, VFIO_IRQ_INFO_AUTOMASKED). Used on the function's loop.
 */
final class FunctionInterrupts {
    private static final Logger LOG = LoggerFactory.getLogger(FunctionInterrupts.class);

    private final HostLoop loop;
    private @Nullable Fd line;
    private @Nullable EventWatch unmaskWatch;
    private boolean asserted;
    private boolean masked;
    private boolean disabled;
    private final List<@Nullable Fd> vectors = new ArrayList<>();
    private long lost;
    private HostFaults faults = HostFaults.none();
    /** Ends the wait of an assertion that comes late; null if none does. */
    private @Nullable Runnable late;
    /** Front-ends so far: what was for one of them is not for the next. */
    private int session;

    FunctionInterrupts(HostLoop loop, int vectorCount) {
        this.loop = loop;
        for (int i = 0; i < vectorCount; i++) vectors.add(null);
    }

    /** What goes wrong from now on. */
    void inject(HostFaults next) {
        faults = next;
    }

    /** Sets the eventfd of the line, or none. */
    void setLine(@Nullable Fd eventfd) {
        Fd old = line;
        line = eventfd;
        if (old != null) old.close();
        masked = false;
        deliver();
    }

    /** Sets the eventfd that unmasks the line; with none, only {@link #unmask} does. */
    void setUnmask(@Nullable Fd eventfd) {
        EventWatch old = unmaskWatch;
        unmaskWatch = eventfd == null ? null : EventWatch.start(loop.events(), eventfd, this::unmask);
        if (old != null) old.close();
    }

    void mask() {
        masked = true;
    }

    void unmask() {
        masked = false;
        deliver();
    }

    void assertLine(boolean level) {
        if (!level) {
            cancelLate();
            asserted = false;
        } else if (!asserted && late == null) {
            // A lost interrupt is not asserted; the device's next event retries.
            switch (faults.onInterrupt(HostFault.LINE)) {
                case null -> asserted = true;
                case HostFault.LostInterrupt _ -> {
                }
                case HostFault.LateInterrupt fault ->
                    late = loop.after(fault.delay().toNanos(), () -> {
                        late = null;
                        asserted = true;
                        deliver();
                    });
            }
        }
        deliver();
    }

    private void cancelLate() {
        Runnable cancel = late;
        late = null;
        if (cancel != null) cancel.run();
    }

    /** The driver has set or cleared the interrupt disable bit of the command register. */
    void disableLine(boolean disable) {
        disabled = disable;
        deliver();
    }

    private void deliver() {
        Fd eventfd = line;
        if (!asserted || masked || disabled || eventfd == null) return;
        masked = true;
        signal(eventfd, "the interrupt line");
    }

    /** Signals the line once, regardless of its level: front-ends use this to test the interrupt path. */
    void triggerLine() {
        Fd eventfd = line;
        if (eventfd != null) signal(eventfd, "the interrupt line");
    }

    /** Sets the eventfd of vector {@code index}, or none. */
    void setVector(int index, @Nullable Fd eventfd) {
        Fd old = vectors.set(index, eventfd);
        if (old != null) old.close();
    }

    /** @throws IndexOutOfBoundsException if the function has no such vector */
    void signalVector(int index) {
        if (faults.isEmpty()) {
            triggerVector(index);
            return;
        }
        int of = session;
        Objects.checkIndex(index, vectors.size());
        faults.deliver(index, loop, () -> {
            if (of == session) triggerVector(index);
        });
    }

    /** Signals a vector whatever goes wrong: a front-end tests its way so. */
    void triggerVector(int index) {
        Fd eventfd = vectors.get(index);
        if (eventfd == null) {
            lost++;
            LOG.debug("vector {} is signalled before it is set up, {} are lost so far", index, lost);
            return;
        }
        signal(eventfd, "a vector");
    }

    private void signal(Fd eventfd, String name) {
        try {
            EventFd.signal(eventfd);
        } catch (ErrnoException e) {
            loop.log().warn("the eventfd of {} cannot be signalled: {}", name, e.getMessage());
        }
    }

    void clearVectors() {
        for (int i = 0; i < vectors.size(); i++) setVector(i, null);
    }

    /** Closes all eventfds. */
    void close() {
        setLine(null);
        setUnmask(null);
        clearVectors();
        cancelLate();
        asserted = false;
        session++;
    }
}
