package sluice.dmacore.buffer;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.dmacore.trace.EventKind;

/**
 * A buffer that devices share. It may begin without memory: then the devices that attach first have a say in what it is made
 * of (rows S19–S21). Counted: it lives until the last {@link #release}, {@link Attachment#detach} and {@link Opener#close}. Any
 * thread may use it.
 */
public final class DmaBuf {
    /** Characters of a name that are kept (DMA_BUF_NAME_LEN − 1). */
    public static final int NAME_LENGTH = 31;

    /** How far a buffer has come. */
    public enum State {
        /** Of fixed size, without memory. */
        ABSTRACT,
        ALLOCATED,
        /** It is being moved: nothing new is mapped. */
        MOVING,
        /** It was taken back: nothing is mapped any more. */
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
    /** Those of {@link #retain}; each attachment and each opener is one more. */
    private int references = 1;
    private int openers;
    private volatile String name;
    /** Written with the buffer locked; devices look at it without. */
    private volatile State state = State.ABSTRACT;

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
        core.trace().record(EventKind.EXPORT, buffer.number, 0, 0, 0, size, 0, 0);
        if (!exporter.allocatesLate()) {
            synchronized (buffer) {
                buffer.allocate(AllocationRequest.of(size, List.of()));
            }
        }
        return buffer;
    }

    DmaCore core() {
        return core;
    }

    /** Who pays for what is kept of it. */
    Share payer() {
        return payer;
    }

    /** Unique in its core. */
    public int number() {
        return number;
    }

    /** Itself, for findings that are no device's. */
    Subject subject() {
        return new Subject("", 0, name(), number);
    }

    /** Itself and a device that has no attachment to it, or none that matters. */
    Subject subject(DeviceFunction function) {
        return new Subject(function.name(), 0, name(), number);
    }

    /** In bytes; never changes. */
    public long size() {
        return size;
    }

    /** For messages, also of those who must not wait. */
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
                    "a name has up to %d characters, and not %d".formatted(NAME_LENGTH, next.length()));
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

    /** What transfers of this buffer have cost while the present devices were attached. */
    public synchronized OwnershipCounters counters() {
        OwnershipCounters all = backing.counters();
        for (Attachment attachment : importers.all()) {
            DeviceMapping mapping = attachment.mapping();
            TranslatedView view = mapping == null ? null : mapping.view();
            if (view != null) all.add(core.ledger().counters(view.lines()));
        }
        return all;
    }

    // ---- references

    /** @throws IllegalStateException if it is gone */
    public synchronized DmaBuf retain() {
        if (state == State.RELEASED) throw new IllegalStateException(name + " is gone");
        references++;
        return this;
    }

    /**
     * Gives a reference back. The buffer goes with the last of all references, attachments and openers: an exporter may let go of
     * what it has handed over, as it closes a descriptor.
     *
     * @throws IllegalStateException if there is none left to give back; while somebody is attached it would have been theirs, which
     *         is a finding
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
        // From here on nobody attaches, and a move does not begin what nobody would end.
        state = State.RELEASED;
        notifyAll();
        backing.free();
        core.trace().record(EventKind.RELEASE, number, 0, 0, 0, size, 0, 0);
    }

    // ---- devices

    /**
     * Attaches a function: its constraints are checked against the memory, or are taken into account when there is none yet.
     * Whether it may be mapped in some direction shows when it is: {@link #attach(DeviceFunction, Stream, Direction)}.
     *
     * @throws DmaBufException EINVAL (no memory would suit it), EBUSY (this memory does not, or it is too late), EOPNOTSUPP (it
     *         reaches no peer), ENODEV (revoked or gone), ENOMEM (64 share a line, or it shares too many pieces)
     */
    public Attachment attach(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, null, false);
    }

    /**
     * Attaches a function that will be mapped in a direction: what would be in the way of that is in the way now, so that nobody
     * finds out with the first frame (row M35).
     *
     * @throws DmaBufException as {@link #attach(DeviceFunction, Stream)}; EACCES (it would write, and the memory is read-only),
     *         EOPNOTSUPP (it would write without snooping, and nobody here can invalidate cache lines)
     */
    public Attachment attach(DeviceFunction function, Stream stream, Direction direction) throws DmaBufException {
        return attach(function, stream, direction, null, false);
    }

    /**
     * Attaches a function that may be given a copy if the memory does not suit it: then {@link DmaAttribute#ALLOW_BOUNCE} maps
     * it, and nothing else does.
     */
    public Attachment attachBouncing(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, null, true);
    }

    /** Attaches a function that can do without its mapping when the buffer moves. */
    public Attachment attachDynamic(DeviceFunction function, Stream stream, MoveListener listener)
            throws DmaBufException {
        return attach(function, stream, null, listener, false);
    }

    private synchronized Attachment attach(DeviceFunction function, Stream stream, @Nullable Direction direction,
            @Nullable MoveListener listener, boolean bouncing) throws DmaBufException {
        checkAlive();
        return importers.attach(function, stream, direction, listener, bouncing);
    }

    /** As {@link #wouldAttach(DeviceFunction, Stream)}, of a function that snoops. */
    public Verdict wouldAttach(DeviceFunction function) {
        return wouldAttach(function, Stream.COHERENT);
    }

    /**
     * Whether a function could attach, and use the buffer without a copy in some direction: a dry run that changes nothing.
     *
     * @return every reason against it; that too many share its lines is seen only while somebody is attached
     */
    public synchronized Verdict wouldAttach(DeviceFunction function, Stream stream) {
        return importers.wouldAttach(function, stream);
    }

    /** The same of a function that will be mapped in a direction. */
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

    /** The memory, allocated now if it was not; with the buffer locked. */
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
        core.trace().record(EventKind.ALLOCATE, number, 0, 0, 0, size, size, 0);
        return made;
    }

    /** The lines in the ledger, entered now if they were not; with the buffer locked. */
    Lines register() throws DmaBufException {
        return backing.register();
    }

    /** Takes the lines out of the ledger if no device and no CPU access needs them; with the buffer locked. */
    void unregisterIfUnused() {
        if (importers.count() == 0 && !accesses.isOpen()) backing.unregister();
    }

    /** The lines, or null while nobody is attached and the CPU has no access. */
    @Nullable
    Lines linesOrNull() {
        return backing.lines();
    }

    /** The lines, while anybody is attached and there is memory. */
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
     * Moves the buffer to other memory. Attachments that can are told, and have the core's bound to unmap; what is mapped then
     * is taken away, and is a finding.
     *
     * @throws DmaBufException EBUSY (a mapping cannot move, is pinned, or the CPU is at it), EOPNOTSUPP (the exporter cannot),
     *         ENODEV (revoked or released meanwhile, and it stays so), EDEADLK (inside of a read section of a function that has it
     *         mapped), and what the exporter throws
     */
    public void move() throws DmaBufException {
        BufferMove.move(this);
    }

    /**
     * Takes the buffer back for good. Mapped devices lose it at once; whoever maps or attaches from now on gets ENODEV.
     *
     * @throws IllegalStateException inside of a read section of a function that has it mapped; nothing is changed then
     */
    public void revoke() {
        List<Attachment> present;
        synchronized (this) {
            if (state == State.REVOKED || state == State.RELEASED) return;
            importers.all().forEach(Attachment::checkOutside);
            state = State.REVOKED;
            notifyAll(); // a move may wait for mappings
            present = importers.all();
        }
        for (Attachment attachment : present) attachment.takeAway();
        core.trace().record(EventKind.REVOKE, number, 0, 0, 0, size, 0, 0);
    }

    synchronized void setState(State next) {
        state = next;
    }

    /** With the buffer locked: other memory with the same bytes; as {@link Backing#replace}. */
    void replaceMemory(BufferMemory next) throws DmaBufException {
        backing.replace(next, importers.all());
    }

    // ---- the CPU

    /** Opens the buffer for the CPU, until the opener is closed: accesses of each are balanced by themselves. */
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

    /** A pin or a mapping has ended: whether it was held for so long that it is worth a hint. */
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
