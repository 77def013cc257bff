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
 * The attachment of a device function to a buffer. Attaching neither allocates addresses nor transfers data; the
 * segments are fetched and mapped later, before DMA (rows S1–S3).
 */
public final class Attachment {
    private final DmaBuf buffer;
    private final DeviceFunction function;
    private final Stream stream;
    private final @Nullable MoveListener listener;
    private final int number;
    /** The holder of its lines in the ledger; replaced with the memory, while it holds none. With the buffer locked. */
    private Holder holder;
    private final FunctionAddresses addresses;
    // The rest with the buffer locked.
    private @Nullable SegmentList segments;
    private int segmentUses;
    private int pins;
    /** Time of the first pin, in nanoseconds. */
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

    /** Unique in its core, among buffers and attachments. */
    public int number() {
        return number;
    }

    /** Whether it is dynamic: its mapping may be removed when the buffer moves. */
    public boolean isDynamic() {
        return listener != null;
    }

    /** Its name in the trace. */
    String traceName() {
        return function.name() + "/" + stream.name();
    }

    /** The subject of findings about it. */
    Subject subject() {
        return new Subject(function.name(), number, buffer.name(), buffer.number());
    }

    FunctionAddresses addresses() {
        return addresses;
    }

    Holder holder() {
        return holder;
    }

    /** The holder of a memory's lines for it: memory that is not system memory is never cached. */
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
     * Pins the memory, allocating it if necessary, and returns its segments as the function will see them. Calls are
     * counted; the list is built once (rows S2, S10). Until the buffer is mapped, the addresses of a function behind an
     * IOMMU count from 0.
     *
     * @throws DmaBufException the exporter's, if allocation fails; EBUSY if the memory does not suit the function;
     * ENODEV if the buffer is revoked
     */
    public SegmentList getSegments() throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            SegmentList present = segments;
            buffer.core().trace().record(EventKind.GET_SEGMENTS, buffer.number(), number, present == null ? 0 : 1, 0,
                    buffer.size(), 0);
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
     * Releases the segments.
     *
     * @throws DmaBufException EINVAL if they were not fetched
     */
    public void putSegments() throws DmaBufException {
        synchronized (buffer) {
            if (segmentUses == 0) throw buffer.refused(Errno.EINVAL, "segments are released that were not fetched");
            segmentUses--;
            buffer.core().trace().record(EventKind.PUT_SEGMENTS, buffer.number(), number, 0, 0, buffer.size(), 0);
        }
    }

    /** After a move the list is rebuilt. */
    void forgetSegments() {
        segments = null;
    }

    // ---- mapping

    /** A dry run of mapping it for the device to read: {@link #testMap(Direction)}. */
    public Verdict testMap() throws DmaBufException {
        return testMap(Direction.TO_DEVICE);
    }

    /**
     * A dry run of {@link #map(Direction)} (row S38). Only exhaustion of the function's addresses is not checked.
     *
     * @return all reasons that prevent the mapping
     * @throws DmaBufException EINVAL (not attached any more), ENODEV (revoked)
     */
    public Verdict testMap(Direction direction) throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            return new MapRequest(this, direction, EnumSet.noneOf(DmaAttribute.class)).test();
        }
    }

    /**
     * Maps the buffer for the function, without a copy, and transfers all of it to the device.
     *
     * @throws DmaBufException EBUSY (mapped already), EIO (only a copy would do), EACCES (written, and read-only), ENOMEM (no
     *         addresses left), EOPNOTSUPP, EAGAIN (it is being moved), ENODEV, EDEADLK (inside of a read section of the function)
     */
    public DeviceMapping map(Direction direction) throws DmaBufException {
        return map(direction, EnumSet.noneOf(DmaAttribute.class));
    }

    /** As {@link #map(Direction)}, with attributes. */
    public DeviceMapping map(Direction direction, Set<DmaAttribute> attributes) throws DmaBufException {
        long began = System.nanoTime();
        synchronized (buffer) {
            checkAttached();
            if (mapping != null) {
                buffer.core().findings().add(Rule.MAPPED_TWICE, subject(), 0, buffer.size(),
                        "mapped while it has a mapping");
                throw buffer.refused(Errno.EBUSY, "%s has mapped it already: a second mapping needs a second attachment"
                        .formatted(function.name()));
            }
            // A failed map unmaps what it has mapped so far, which waits for readers.
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
                long now = System.nanoTime();
                buffer.core().trace().record(EventKind.MAP, buffer.number(), number, direction.number(), 0,
                        planned.bytes(), 0, now - began, now);
                return made;
            } finally {
                if (!done) putSegments();
            }
        }
    }

    /**
     * As {@link #map(Direction, Set)}, for an importer that the exporter may have taken the buffer from at any moment: that is no
     * finding then.
     *
     * @return null if the buffer is revoked
     */
    public @Nullable DeviceMapping mapUnlessRevoked(Direction direction, Set<DmaAttribute> attributes)
            throws DmaBufException {
        synchronized (buffer) {
            return buffer.state() == DmaBuf.State.REVOKED ? null : map(direction, attributes);
        }
    }

    /** The mapping has ended; with the buffer locked. */
    void mappingEnded() throws DmaBufException {
        mapping = null;
        buffer.notifyAll(); // a move may be waiting for it
        function.noteUnmapped();
        putSegments();
    }

    /** The direction in which it is mapped, or null if it is not. */
    public @Nullable Direction mapped() {
        synchronized (buffer) {
            DeviceMapping present = mapping;
            return present != null && present.isLive() ? present.direction() : null;
        }
    }

    @Nullable
    DeviceMapping mapping() {
        return mapping;
    }

    // ---- pinning

    /**
     * Pins the buffer, so that it is not moved although the attachment is dynamic. Calls are counted.
     *
     * @throws DmaBufException EBUSY while it is being moved, ENODEV
     */
    public void pin() throws DmaBufException {
        synchronized (buffer) {
            checkAttached();
            if (buffer.state() == DmaBuf.State.MOVING) throw buffer.refused(Errno.EBUSY, "it is being moved");
            if (pins++ == 0) pinnedNanos = System.nanoTime();
            buffer.core().trace().record(EventKind.PIN, buffer.number(), number, 0, 0, buffer.size(), 0);
        }
    }

    /** @throws DmaBufException EINVAL if it was not pinned */
    public void unpin() throws DmaBufException {
        synchronized (buffer) {
            if (pins == 0) throw buffer.refused(Errno.EINVAL, function.name() + " unpins what it has not pinned");
            if (--pins == 0) notePinned();
            buffer.core().trace().record(EventKind.UNPIN, buffer.number(), number, 0, 0, buffer.size(), 0);
        }
    }

    private void notePinned() {
        buffer.noteHeld(function, "pinned", System.nanoTime() - pinnedNanos);
    }

    /** Whether it prevents a move of the buffer. With the buffer locked. */
    boolean keepsInPlace() {
        return pins > 0 || (mapping != null && listener == null);
    }

    // ---- ending

    /**
     * Detaches, and drops the reference to the buffer, which is freed with its last reference. A live mapping is
     * unmapped and reported as a finding. A second call has no effect.
     *
     * @throws IllegalStateException it is mapped, and the calling thread is in a read section of its function; nothing
     * is changed
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
            buffer.core().trace().record(EventKind.DETACH, buffer.number(), number, 0, 0, buffer.size(), 0);
            buffer.forget(this);
        }
    }

    /** Throws instead of waiting for the calling thread itself. With the buffer locked. */
    void checkOutside() {
        if (mapping == null || !function.space().insideSection()) return;
        throw new IllegalStateException("%s: %s loses its mapping inside of a read section of its own: leave it first"
                .formatted(buffer.name(), function.name()));
    }

    /** The buffer is revoked: the device loses access, and the mapping object stays, no longer live. */
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
