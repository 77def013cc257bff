package sluice.dmacore.buffer;

import java.util.EnumSet;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Holder;
import sluice.dmacore.trace.EventKind;

/**
 * A device function's interest in a buffer. It costs no address and moves no byte: for that the segments are fetched, and
 * mapped when DMA is due (rows S1–S3).
 */
public final class Attachment {
    private final DmaBuf buffer;
    private final DeviceFunction function;
    private final Stream stream;
    private final @Nullable MoveListener listener;
    private final int number;
    /** Who owns lines; changes with the memory, while it owns none. With the buffer locked. */
    private Holder holder;
    private final FunctionAddresses addresses;
    // The rest with the buffer locked.
    private @Nullable SegmentList segments;
    private int segmentUses;
    private int pins;
    /** When the first of them was taken. */
    private long pinnedNanos;
    private boolean attached = true;
    private @Nullable DeviceMapping mapping;

    Attachment(DmaBuf buffer, DeviceFunction function, Stream stream, @Nullable MoveListener listener, int number) {
        this.buffer = buffer;
        this.function = function;
        this.stream = stream;
        this.listener = listener;
        this.number = number;
        addresses = buffer.core().addresses().of(function);
        holder = new Holder(number, function.name(), stream.coherent());
    }

    public DmaBuf buffer() {
        return buffer;
    }

    public DeviceFunction function() {
        return function;
    }

    public Stream stream() {
        return stream;
    }

    /** Unique in its core, and no buffer's. */
    public int number() {
        return number;
    }

    /** Whether it can do without its mapping when the buffer moves. */
    public boolean isDynamic() {
        return listener != null;
    }

    /** Itself, for findings. */
    Subject subject() {
        return new Subject(function.name(), number, buffer.name(), buffer.number());
    }

    FunctionAddresses addresses() {
        return addresses;
    }

    Holder holder() {
        return holder;
    }

    /** As whom it owns lines of a memory: what is no system memory has no cache before it, whoever uses it. */
    Holder joining(BufferMemory memory) {
        boolean coherent = stream.coherent() || memory.kind() == BufferMemory.Kind.DEVICE;
        if (coherent != holder.coherent()) holder = new Holder(number, function.name(), coherent);
        return holder;
    }

    @Nullable
    MoveListener listener() {
        return listener;
    }

    // ---- segments

    /**
     * Takes hold of the memory, which is allocated now if it was not, and says in what pieces the function will find it.
     * Counted, and made once (rows S2, S10). Until it is mapped, the addresses of a function with an IOMMU count from 0.
     *
     * @throws DmaBufException as allocating does; EBUSY if the memory does not suit the function; ENODEV
     */
    public SegmentList getSegments() throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            SegmentList present = segments;
            buffer.core().trace().record(EventKind.GET_SEGMENTS, buffer.number(), number, present == null ? 0 : 1, 0,
                    buffer.size(), 0, 0);
            if (present == null) {
                BufferMemory memory = buffer.obtain();
                present = buffer.importers().planned(function, memory.runs());
                segments = present;
                buffer.importers().noteUsed();
            }
            segmentUses++;
            return present;
        }
    }

    /**
     * Gives them back.
     *
     * @throws DmaBufException EINVAL if they were not fetched
     */
    public void putSegments() throws DmaBufException {
        synchronized (buffer) {
            if (segmentUses == 0) throw buffer.refused(Errno.EINVAL, "segments are put that were not fetched");
            segmentUses--;
            buffer.core().trace().record(EventKind.PUT_SEGMENTS, buffer.number(), number, 0, 0, buffer.size(), 0, 0);
        }
    }

    /** The list is another after a move. */
    void forgetSegments() {
        segments = null;
    }

    // ---- mapping

    /** What mapping it now for the device to read would find, without doing so: {@link #testMap(Direction)}. */
    public Verdict testMap() throws DmaBufException {
        return testMap(Direction.TO_DEVICE);
    }

    /**
     * What mapping it now would find, without an attribute and without doing so (row S38). Only whether the function has
     * addresses left is not known before they are taken.
     *
     * @return everything that is in the way
     * @throws DmaBufException EINVAL (not attached any more), ENODEV (revoked)
     */
    public Verdict testMap(Direction direction) throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            return new MapRequest(this, direction, EnumSet.noneOf(DmaAttribute.class)).test();
        }
    }

    /**
     * Maps the buffer for the function, without a copy: the device owns all of it from now on.
     *
     * @throws DmaBufException EBUSY (mapped already), EIO (only a copy would do), EACCES (written, and read-only), ENOMEM (no
     *         addresses left), EOPNOTSUPP, EAGAIN (it is being moved), ENODEV, EDEADLK (inside of a read section of the function)
     */
    public DeviceMapping map(Direction direction) throws DmaBufException {
        return map(direction, EnumSet.noneOf(DmaAttribute.class));
    }

    /** As {@link #map(Direction)}, in another way. */
    public DeviceMapping map(Direction direction, Set<DmaAttribute> attributes) throws DmaBufException {
        long began = System.nanoTime();
        synchronized (buffer) {
            checkAttached();
            if (mapping != null) {
                buffer.core().findings().add(Rule.MAPPED_TWICE, subject(), 0, buffer.size(),
                        "mapped, and it has a mapping already");
                throw buffer.refused(Errno.EBUSY, "%s has mapped it already: a second mapping needs a second attachment"
                        .formatted(function.name()));
            }
            // One that fails takes back what it has got, and would wait for readers.
            if (function.space().insideSection()) {
                throw buffer.refused(Errno.EDEADLK,
                        "%s maps it inside of a read section of its own: leave the section first"
                                .formatted(function.name()));
            }
            SegmentList planned = getSegments();
            boolean done = false;
            try {
                DeviceMapping made = new MapRequest(this, direction, attributes).map();
                mapping = made;
                addresses.add(made);
                function.noteMapped();
                done = true;
                buffer.core().trace().record(EventKind.MAP, buffer.number(), number, direction.number(), 0,
                        planned.bytes(), 0, System.nanoTime() - began);
                return made;
            } finally {
                if (!done) putSegments();
            }
        }
    }

    /** The mapping has ended; with the buffer locked. */
    void mappingEnded() throws DmaBufException {
        mapping = null;
        buffer.notifyAll(); // a move may wait for it
        function.noteUnmapped();
        putSegments();
    }

    @Nullable
    DeviceMapping mapping() {
        return mapping;
    }

    // ---- pinning

    /**
     * Keeps the buffer where it is, although the attachment is dynamic. Counted.
     *
     * @throws DmaBufException EBUSY while it is being moved, ENODEV
     */
    public void pin() throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            if (buffer.state() == DmaBuf.State.MOVING) throw buffer.refused(Errno.EBUSY, "it is being moved");
            if (pins++ == 0) pinnedNanos = System.nanoTime();
            buffer.core().trace().record(EventKind.PIN, buffer.number(), number, 0, 0, buffer.size(), 0, 0);
        }
    }

    /** @throws DmaBufException EINVAL if it was not pinned */
    public void unpin() throws DmaBufException {
        synchronized (buffer) {
            if (pins == 0) throw buffer.refused(Errno.EINVAL, function.name() + " unpins what it has not pinned");
            if (--pins == 0) notePinned();
            buffer.core().trace().record(EventKind.UNPIN, buffer.number(), number, 0, 0, buffer.size(), 0, 0);
        }
    }

    private void notePinned() {
        buffer.noteHeld(function, "pinned", System.nanoTime() - pinnedNanos);
    }

    /** Whether it keeps the buffer where it is. With the buffer locked. */
    boolean keepsInPlace() {
        return pins > 0 || (mapping != null && listener == null);
    }

    // ---- ending

    /**
     * Ends it, and lets go of the buffer: with the last of all who have it, the buffer goes. What is still mapped is unmapped, and
     * is a finding. Does nothing the second time.
     *
     * @throws IllegalStateException it is mapped, and the calling thread is inside of a read section of its function: nothing is
     *         changed then
     */
    public void detach() {
        synchronized (buffer) {
            if (!attached) return;
            DeviceMapping present = mapping;
            if (present != null) {
                checkOutside();
                buffer.core().findings().add(Rule.DETACHED_WHILE_MAPPED, subject(), 0,
                        buffer.size(), "detached while it is mapped");
                present.end();
            }
            if (pins > 0) notePinned();
            attached = false;
            function.noteDetached();
            buffer.core().trace().record(EventKind.DETACH, buffer.number(), number, 0, 0, buffer.size(), 0, 0);
            buffer.forget(this);
        }
    }

    /** Refuses to wait for the calling thread itself. With the buffer locked. */
    void checkOutside() {
        if (mapping == null || !function.space().insideSection()) return;
        throw new IllegalStateException("%s: %s loses its mapping inside of a read section of its own: leave it first"
                .formatted(buffer.name(), function.name()));
    }

    /** The buffer is revoked: the device loses it, and the mapping object stays, dead. */
    void takeAway() {
        synchronized (buffer) {
            DeviceMapping present = mapping;
            if (present != null) present.takeAway();
        }
    }

    private void checkAttached() throws DmaBufException {
        if (!attached) throw buffer.refused(Errno.EINVAL, function.name() + " is not attached any more");
        if (buffer.state() == DmaBuf.State.REVOKED) {
            buffer.core().findings().add(Rule.USE_AFTER_REVOKE, subject(), 0, buffer.size(),
                    "used after it was revoked");
            throw buffer.refused(Errno.ENODEV, "it was revoked");
        }
    }
}
