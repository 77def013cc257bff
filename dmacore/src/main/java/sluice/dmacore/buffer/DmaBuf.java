package sluice.dmacore.buffer;

import java.util.List;
import java.util.function.BooleanSupplier;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.ownership.OwnedRange;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.dmacore.trace.EventKind;

/**
 * A buffer shared by devices. It may begin without memory, which is then allocated to suit the devices attached first
 * (rows S19–S21). Reference-counted: it lives until the last {@link #release}, {@link Attachment#detach} and {@link
 * Opener#close}. Thread-safe.
 */
public final class DmaBuf {
    /** Characters of a name that are kept (DMA_BUF_NAME_LEN − 1). */
    public static final int NAME_LENGTH = 31;

    /** States of a buffer. */
    public enum State {
        /** Without memory. */
        ABSTRACT,
        ALLOCATED,
        /** Being moved: no new mappings. */
        MOVING,
        /** Revoked: nothing is mapped any more. */
        REVOKED,
        RELEASED
    }

    private final DmaCore core;
    private final int number;
    private final long size;
    private final Exporter exporter;
    private final Share payer;
    private final CpuAccesses accesses;
    private final Backing backing;
    private final Importers importers;
    /** References by {@link #retain}; each attachment and each opener holds one more. */
    private int references = 1;
    private int openers;
    private volatile String name;
    /** Written with the buffer locked; devices read it without the lock. */
    private volatile State state = State.ABSTRACT;
    /** Beginnings and ends of moves. */
    private long stateChanges;

    private DmaBuf(DmaCore core, String name, long size, Exporter exporter, Share payer) {
        this.core = core;
        this.number = core.nextNumber();
        this.name = name;
        this.size = size;
        this.exporter = exporter;
        this.payer = payer;
        accesses = new CpuAccesses(this);
        backing = new Backing(this);
        importers = new Importers(this, backing);
    }

    static DmaBuf export(DmaCore core, String name, long size, Exporter exporter, Share payer)
            throws DmaBufException {
        DmaBuf buffer = new DmaBuf(core, name, size, exporter, payer);
        core.trace().name(buffer.number, name);
        core.trace().record(EventKind.EXPORT, buffer.number, 0, 0, 0, size, 0);
        if (!exporter.allocatesLate()) {
            synchronized (buffer) {
                buffer.allocate(AllocationRequest.of(size, List.of()));
            }
        }
        core.add(buffer);
        return buffer;
    }

    DmaCore core() {
        return core;
    }

    /** The share charged for it. */
    Share payer() {
        return payer;
    }

    /** Unique in its core. */
    public int number() {
        return number;
    }

    /** The subject of findings without a device. */
    Subject subject() {
        return new Subject("", 0, name(), number);
    }

    /** The subject of findings about it and a device, independent of an attachment. */
    Subject subject(DeviceFunction function) {
        return new Subject(function.name(), 0, name(), number);
    }

    /** In bytes; never changes. */
    public long size() {
        return size;
    }

    /** For messages; never blocks. */
    public String name() {
        return name;
    }

    /**
     * Names the buffer, as {@code DMA_BUF_SET_NAME} does.
     *
     * @throws DmaBufException EINVAL if it is longer than 31 characters
     */
    public synchronized void setName(String next) throws DmaBufException {
        if (next.length() > NAME_LENGTH)
            throw refused(Errno.EINVAL,
                    "a name has at most %d characters, not %d".formatted(NAME_LENGTH, next.length()));
        name = next;
        core.trace().name(number, next);
    }

    public Exporter exporter() {
        return exporter;
    }

    public State state() {
        return state;
    }

    public synchronized List<Attachment> attachments() {
        return importers.all();
    }

    /** Counters of this buffer's transfers while the present devices were attached. */
    public synchronized OwnershipCounters counters() {
        OwnershipCounters all = backing.counters();
        for (Attachment attachment : importers.all()) {
            DeviceMapping mapping = attachment.mapping();
            TranslatedView view = mapping == null ? null : mapping.view();
            if (view != null) all.add(core.ledger().counters(view.lines()));
        }
        return all;
    }

    /**
     * The owners of its ranges, in order; empty while no device is attached and no CPU access is open.
     *
     * @param most number of ranges, from the front
     */
    public synchronized List<OwnedRange> owners(int most) {
        Lines present = backing.lines();
        return present == null ? List.of() : core.gate().owners(present, most);
    }

    // ---- references

    /** @throws IllegalStateException if it was released */
    public synchronized DmaBuf retain() {
        if (state == State.RELEASED) throw new IllegalStateException(name + " is gone");
        references++;
        return this;
    }

    /**
     * Drops a reference. The buffer is freed with the last reference, attachment or opener: an exporter may release a
     * buffer in use, as it may close its descriptor.
     *
     * @throws IllegalStateException if no reference is left to drop; while a device is attached this is also a finding
     */
    public synchronized void release() {
        if (references == 0) {
            if (importers.count() > 0) {
                core.findings().add(Rule.RELEASED_WHILE_ATTACHED, importers.all().getFirst().subject(), 0, size,
                        "released once more than retained, while it is attached");
            }
            throw new IllegalStateException(name + " was released more often than retained");
        }
        references--;
        endIfUnused();
    }

    private void endIfUnused() {
        if (references > 0 || importers.count() > 0 || openers > 0 || state == State.RELEASED) return;
        // From here on attaching fails, and no move begins.
        state = State.RELEASED;
        notifyAll();
        backing.free();
        core.remove(this);
        core.trace().record(EventKind.RELEASE, number, 0, 0, 0, size, 0);
    }

    // ---- devices

    /**
     * Attaches a function: its constraints are checked against the memory, or applied when memory is allocated. Whether
     * it may be mapped in a given direction is only checked by the map: {@link #attach(DeviceFunction, Stream,
     * Direction)}.
     *
     * @throws DmaBufException EINVAL (no memory would suit it), EBUSY (this memory does not suit it, or late
     * attachments are refused), EOPNOTSUPP (no peer-to-peer access), ENODEV (revoked or released), ENOMEM (64
     * attachments share a line, or too many ranges are shared)
     */
    public Attachment attach(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, null, false);
    }

    /**
     * Attaches a function for mappings in a given direction: the attach fails for any reason for which that map would
     * fail, instead of the first frame (row M35).
     *
     * @throws DmaBufException as {@link #attach(DeviceFunction, Stream)}; EACCES (write access to read-only memory),
     * EOPNOTSUPP (write access by a non-snooping device, and this process cannot invalidate cache lines)
     */
    public Attachment attach(DeviceFunction function, Stream stream, Direction direction) throws DmaBufException {
        return attach(function, stream, direction, null, false);
    }

    /**
     * Attaches a function that accepts a bounce buffer if the memory does not suit it; it can then be mapped with
     * {@link DmaAttribute#ALLOW_BOUNCE} only.
     */
    public Attachment attachBouncing(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, null, true);
    }

    /** Attaches a dynamic importer, which is notified when the buffer moves and unmaps it. */
    public Attachment attachDynamic(DeviceFunction function, Stream stream, MoveListener listener)
            throws DmaBufException {
        return attach(function, stream, null, listener, false);
    }

    private synchronized Attachment attach(DeviceFunction function, Stream stream, @Nullable Direction direction,
            @Nullable MoveListener listener, boolean bouncing) throws DmaBufException {
        checkAlive();
        return importers.attach(function, stream, direction, listener, bouncing);
    }

    /** As {@link #wouldAttach(DeviceFunction, Stream)}, for a snooping function. */
    public Verdict wouldAttach(DeviceFunction function) {
        return wouldAttach(function, Stream.COHERENT);
    }

    /**
     * A dry run of an attach: whether a function could attach and use the buffer without a copy in at least one
     * direction.
     *
     * @return all reasons against it; the limit of holders per line is only checked while a device is attached
     */
    public synchronized Verdict wouldAttach(DeviceFunction function, Stream stream) {
        return importers.wouldAttach(function, stream);
    }

    /** The same for mappings in a given direction. */
    public synchronized Verdict wouldAttach(DeviceFunction function, Stream stream, Direction direction) {
        return wouldAttach(function, stream).with(importers.against(stream, direction));
    }

    /** With the buffer locked. */
    Importers importers() {
        return importers;
    }

    /** With the buffer locked. */
    void forget(Attachment attachment) {
        importers.remove(attachment);
        unregisterIfUnused();
        endIfUnused();
    }

    // ---- memory

    /** The memory, allocated on first use; with the buffer locked. */
    BufferMemory obtain() throws DmaBufException {
        checkAlive();
        if (state == State.MOVING) throw refused(Errno.EAGAIN, "it is being moved");
        BufferMemory present = backing.memory();
        if (present != null) return present;
        importers.noteUsed();
        return allocate(AllocationRequest.of(size, importers.params()));
    }

    private BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        BufferMemory made = backing.allocate(request, importers.all());
        state = State.ALLOCATED;
        core.trace().record(EventKind.ALLOCATE, number, 0, 0, 0, size, size);
        return made;
    }

    /** The lines in the ledger, registered on first use; with the buffer locked. */
    Lines register() throws DmaBufException {
        return backing.register();
    }

    /** Unregisters the lines if no attachment and no CPU access needs them; with the buffer locked. */
    void unregisterIfUnused() {
        if (importers.count() == 0 && !accesses.isOpen()) backing.unregister();
    }

    /** The lines, or null without attachments and CPU accesses. */
    @Nullable
    Lines linesOrNull() {
        return backing.lines();
    }

    /** The lines, while a device is attached and memory is allocated. */
    Lines lines() {
        Lines present = backing.lines();
        if (present == null) throw new IllegalStateException("no device is attached");
        return present;
    }

    @Nullable
    BufferMemory memoryOrNull() {
        return backing.memory();
    }

    /**
     * Moves the buffer to other memory. Dynamic attachments are notified and must unmap within the core's bound;
     * mappings left then are revoked, which is a finding.
     *
     * @throws DmaBufException EBUSY (a mapping is not dynamic or is pinned, or a CPU access is open), EOPNOTSUPP (not
     * supported by the exporter), ENODEV (revoked or released in the meantime), EDEADLK (in a read section of a
     * function that has it mapped), and errors of the exporter
     */
    public void move() throws DmaBufException {
        BufferMove.move(this);
    }

    /**
     * Revokes the buffer permanently. Mapped devices lose access at once; later maps and attaches fail with ENODEV.
     *
     * @throws IllegalStateException in a read section of a function that has it mapped; nothing is changed then
     */
    public void revoke() {
        List<Attachment> present;
        synchronized (this) {
            if (state == State.REVOKED || state == State.RELEASED) return;
            importers.all().forEach(Attachment::checkOutside);
            state = State.REVOKED;
            notifyAll(); // a move may be waiting for mappings
            present = importers.all();
        }
        for (Attachment attachment : present) attachment.takeAway();
        core.trace().record(EventKind.REVOKE, number, 0, 0, 0, size, 0);
    }

    synchronized void setState(State next) {
        state = next;
        stateChanges++;
        notifyAll();
    }

    /**
     * Waits for the end of the present move, at most for the core's bound of a move. For a dynamic importer whose map was refused with
     * EAGAIN, outside of its read sections.
     *
     * @return whether that move has ended
     */
    public synchronized boolean awaitMoved() {
        long change = stateChanges;
        return awaitWithinBound(() -> state != State.MOVING || change != stateChanges);
    }

    /**
     * Waits for a change of the state or the end of a mapping, at most for the core's bound of a move, and no longer after an interrupt.
     *
     * @param reached evaluated with the buffer locked
     * @return whether it was reached
     */
    synchronized boolean awaitWithinBound(BooleanSupplier reached) {
        long end = System.nanoTime() + core.options().moveBound().toNanos();
        while (!reached.getAsBoolean()) {
            long left = end - System.nanoTime();
            if (left <= 0) return false;
            try {
                // At least 1 ms, because 0 means no timeout.
                wait(Math.max(1, left / 1_000_000));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return reached.getAsBoolean();
            }
        }
        return true;
    }

    /** As {@link Backing#replace}, with the buffer locked. */
    void replaceMemory(BufferMemory next) throws DmaBufException {
        backing.replace(next, importers.all());
    }

    // ---- the CPU

    /** Opens the buffer for CPU accesses, until the opener is closed. Each opener balances its own accesses. */
    public synchronized Opener open(String who) {
        openers++;
        return new Opener(this, who);
    }

    /** An opener is closed; with the buffer locked. */
    void closed() {
        openers--;
        endIfUnused();
    }

    Backing backing() {
        return backing;
    }

    CpuAccesses accesses() {
        return accesses;
    }

    // ---- telling

    /** A pin or a mapping has ended: reports a hint if it was held longer than the configured limit. */
    void noteHeld(DeviceFunction function, String how, long nanos) {
        long limit = core.options().heldLong().toNanos();
        if (limit == 0 || nanos <= limit) return;
        core.findings().add(Rule.HELD_LONG, subject(function), 0, size,
                "%s for %d ms".formatted(how, nanos / 1_000_000));
    }

    private void checkAlive() throws DmaBufException {
        if (state == State.REVOKED) throw refused(Errno.ENODEV, "it was revoked");
        if (state == State.RELEASED) throw refused(Errno.ENODEV, "it is gone");
    }

    DmaBufException refused(int errno, String why) {
        return new DmaBufException(errno, "%s: %s".formatted(name, why));
    }

    @Override
    public synchronized String toString() {
        return "%s, %d bytes of %s, %s, %d attachments".formatted(name, size, exporter.name(), state,
                importers.count());
    }
}
