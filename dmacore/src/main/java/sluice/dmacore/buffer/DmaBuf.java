package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.dmacore.trace.EventKind;

/**
 * A buffer that devices share. It may begin without memory: then the devices that attach first have a say in what it is made
 * of (rows S19–S21). Counted: the last {@link #release} gives it back. Any thread may use it.
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
    private final AtomicInteger references = new AtomicInteger(1);
    private final List<Attachment> attachments = new ArrayList<>();
    private final CpuAccesses accesses;
    private String name;
    /** Written with the buffer locked; devices look at it without. */
    private volatile State state = State.ABSTRACT;
    private @Nullable BufferMemory memory;
    /** While anybody is attached, or the CPU is at it. */
    private volatile @Nullable Lines lines;

    private DmaBuf(DmaCore core, String name, long size, Exporter exporter) {
        this.core = core;
        this.number = core.nextNumber();
        this.name = name;
        this.size = size;
        this.exporter = exporter;
        accesses = new CpuAccesses(this);
    }

    static DmaBuf export(DmaCore core, String name, long size, Exporter exporter) throws DmaBufException {
        DmaBuf buffer = new DmaBuf(core, name, size, exporter);
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

    /** Unique in its core. */
    public int number() {
        return number;
    }

    /** In bytes; never changes. */
    public long size() {
        return size;
    }

    public synchronized String name() {
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
        return List.copyOf(attachments);
    }

    /** What transfers of this buffer have cost while the present devices were attached. */
    public OwnershipCounters counters() {
        Lines present = lines;
        return present == null ? new OwnershipCounters() : core.ledger().counters(present);
    }

    // ---- references

    /** @throws IllegalStateException if it is gone */
    public DmaBuf retain() {
        if (references.getAndIncrement() <= 0) throw new IllegalStateException(name() + " is gone");
        return this;
    }

    /**
     * Gives a reference back. With the last one goes the buffer; whoever is still attached is a finding, and is detached.
     *
     * @throws IllegalStateException if it is gone already
     */
    public void release() {
        int left = references.decrementAndGet();
        if (left > 0) return;
        if (left < 0) throw new IllegalStateException(name() + " was released more often than retained");
        List<Attachment> present;
        synchronized (this) {
            // From here on nobody attaches, and a move does not begin what nobody would end.
            state = State.RELEASED;
            notifyAll();
            present = List.copyOf(attachments);
        }
        for (Attachment attachment : present) {
            core.findings().add(Rule.RELEASED_WHILE_ATTACHED, attachment.function().name(), name(), 0, size,
                    "the buffer is released while a device is attached");
            attachment.detach();
        }
        synchronized (this) {
            accesses.closeAll();
            unregisterIfUnused();
            if (memory != null) free(memory);
            memory = null;
        }
        core.trace().record(EventKind.RELEASE, number, 0, 0, 0, size, 0, 0);
    }

    // ---- devices

    /**
     * Attaches a function: its constraints are checked against the memory, or are taken into account when there is none yet.
     *
     * @throws DmaBufException EINVAL (no memory would suit it), EBUSY (this memory does not, or it is too late), EOPNOTSUPP (it
     *         reaches no peer), ENODEV (revoked or gone), ENOMEM (64 share a line)
     */
    public Attachment attach(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, false);
    }

    /**
     * Attaches a function that may be given a copy if the memory does not suit it: then {@link DmaAttribute#ALLOW_BOUNCE} maps
     * it, and nothing else does.
     */
    public Attachment attachBouncing(DeviceFunction function, Stream stream) throws DmaBufException {
        return attach(function, stream, null, true);
    }

    /** Attaches a function that can do without its mapping when the buffer moves. */
    public Attachment attachDynamic(DeviceFunction function, Stream stream, MoveListener listener)
            throws DmaBufException {
        return attach(function, stream, listener, false);
    }

    private synchronized Attachment attach(DeviceFunction function, Stream stream, @Nullable MoveListener listener,
            boolean bouncing) throws DmaBufException {
        checkAlive();
        if (state == State.ALLOCATED && core.options().lateAttach() == LateAttach.NEVER && exporter.allocatesLate()) {
            throw refused(Errno.EBUSY, "%s attaches after the memory was chosen, and late devices are not taken"
                    .formatted(function.name()));
        }
        Verdict verdict = wouldAttach(function);
        if (!verdict.fits() && !(bouncing && verdict.bounceable() && verdict.errno() == Errno.EBUSY)) {
            throw refused(verdict.errno(), "%s cannot attach: %s".formatted(function.name(), verdict));
        }
        Attachment attachment = new Attachment(this, function, stream, listener, core.nextNumber());
        if (memory != null) {
            if (!core.gate().join(register(), attachment.holder())) {
                unregisterIfUnused();
                throw tooManyHolders(function);
            }
        }
        attachments.add(attachment);
        core.trace().name(attachment.number(), function.name() + "/" + stream.name());
        core.trace().record(EventKind.ATTACH, number, attachment.number(), 0, 0, size, 0, 0);
        return attachment;
    }

    /**
     * Whether a function could attach, and use the buffer without a copy: a dry run that changes nothing.
     *
     * @return every reason against it
     */
    public synchronized Verdict wouldAttach(DeviceFunction function) {
        DeviceDmaParams params = function.params();
        BufferMemory present = memory;
        Verdict own = present == null
                ? Verdict.ofSize(size, params)
                : Verdict.of(planned(function, present), present, params);
        return exporter.review(function, own);
    }

    /** With the buffer locked. */
    DmaBufException tooManyHolders(DeviceFunction function) {
        core.findings().add(Rule.D18_TOO_MANY_OVERLAPS, function.name(), name, 0, size, "64 attachments share a line");
        return refused(Errno.ENOMEM, "64 attachments share one of its lines, which looks like a leak");
    }

    SegmentList planned(DeviceFunction function, BufferMemory present) {
        return SegmentList.planned(present.runs(), function.params(),
                run -> core.system().addressOf(present.runs().mapping(run), present.runs().offset(run)));
    }

    /** With the buffer locked. */
    void forget(Attachment attachment) {
        attachments.remove(attachment);
        if (lines != null) {
            core.gate().leave(lines(), attachment.holder());
            unregisterIfUnused();
        }
    }

    // ---- memory

    /** The memory, allocated now if it was not; with the buffer locked. */
    BufferMemory obtain() throws DmaBufException {
        checkAlive();
        if (state == State.MOVING) throw refused(Errno.EAGAIN, "it is being moved");
        BufferMemory present = memory;
        if (present != null) return present;
        List<DeviceDmaParams> wishes = attachments.stream().map(attachment -> attachment.function().params()).toList();
        BufferMemory made = allocate(AllocationRequest.of(size, wishes));
        if (!attachments.isEmpty()) {
            Lines registered = register();
            for (Attachment attachment : attachments) {
                if (!core.gate().join(registered, attachment.holder()))
                    throw refused(Errno.ENOMEM, "64 attachments share one of its lines, which looks like a leak");
            }
        }
        return made;
    }

    private BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        BufferMemory made = ExportedMemory.checked(this, exporter.allocate(request));
        hold(made);
        memory = made;
        state = State.ALLOCATED;
        core.trace().record(EventKind.ALLOCATE, number, 0, 0, 0, size, size, 0);
        return made;
    }

    private void hold(BufferMemory made) throws DmaBufException {
        if (core.system().hold(made.runs())) return;
        made.free();
        throw refused(Errno.ENOSPC, "its memory is in one file too many, or in one of more than 1 TiB");
    }

    private void free(BufferMemory former) {
        core.system().letGo(former.runs());
        former.free();
    }

    /** Enters the memory into the ledger, unless it is there; with the buffer locked. */
    Lines register() {
        Lines known = lines;
        if (known != null) return known;
        BufferMemory present = memory;
        if (present == null) throw new IllegalStateException("no memory to register");
        Ledger.Shared shared = core.ledger().add(number, name, present.runs(),
                exporter.cpuWriters() == Exporter.CpuWriters.UNSEEN);
        lines = shared.lines();
        if (!shared.buffers().isEmpty()) {
            core.findings().add(Rule.SAME_PAGES_TWICE, "", name, 0, size,
                    "it has lines of " + shared.buffers().stream().sorted().collect(Collectors.joining(", ")));
        }
        return shared.lines();
    }

    /** Takes it out again if no device and no CPU access needs it; with the buffer locked. */
    void unregisterIfUnused() {
        Lines known = lines;
        if (known == null || !attachments.isEmpty() || accesses.isOpen()) return;
        lines = null;
        core.ledger().remove(known);
    }

    /** The lines, while anybody is attached and there is memory. */
    Lines lines() {
        Lines present = lines;
        if (present == null) throw new IllegalStateException("nobody is attached");
        return present;
    }

    @Nullable
    BufferMemory memoryOrNull() {
        return memory;
    }

    /**
     * Moves the buffer to other memory. Attachments that can are told, and have the core's bound to unmap; what is mapped then
     * is taken away, and is a finding.
     *
     * @throws DmaBufException EBUSY (a mapping cannot move, is pinned, or the CPU is at it), EOPNOTSUPP (the exporter cannot),
     *         ENODEV (revoked or released meanwhile, and it stays so), and what the exporter throws
     */
    public void move() throws DmaBufException {
        BufferMove.move(this);
    }

    /**
     * Takes the buffer back for good. Mapped devices lose it at once; whoever maps or attaches from now on gets ENODEV.
     */
    public void revoke() {
        List<Attachment> present;
        synchronized (this) {
            if (state == State.REVOKED || state == State.RELEASED) return;
            state = State.REVOKED;
            notifyAll(); // a move may wait for mappings
            present = List.copyOf(attachments);
        }
        for (Attachment attachment : present) attachment.takeAway();
        core.trace().record(EventKind.REVOKE, number, 0, 0, 0, size, 0, 0);
    }

    synchronized void setState(State next) {
        state = next;
    }

    /** With the buffer locked: other memory with the same bytes. */
    void replaceMemory(BufferMemory next) throws DmaBufException {
        hold(next);
        BufferMemory former = memory;
        Lines known = lines;
        if (known != null) {
            for (Attachment attachment : attachments) core.gate().leave(known, attachment.holder());
            lines = null;
            core.ledger().remove(known);
        }
        memory = next;
        if (!attachments.isEmpty()) {
            Lines registered = register();
            for (Attachment attachment : attachments) {
                if (!core.gate().join(registered, attachment.holder()))
                    throw new IllegalStateException("memory that is new is shared by 64");
            }
        }
        if (former != null) free(former);
    }

    // ---- the CPU

    /** Opens the buffer for the CPU: accesses of each opener are balanced by themselves. */
    public Opener open(String who) {
        return new Opener(this, who);
    }

    CpuAccesses accesses() {
        return accesses;
    }

    // ---- refusing

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
                attachments.size());
    }
}
