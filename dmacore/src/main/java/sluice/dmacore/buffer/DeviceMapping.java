package sluice.dmacore.buffer;

import java.util.EnumSet;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Holder;
import sluice.dmacore.ownership.Lines;
import sluice.dmacore.space.Segments;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/**
 * A buffer mapped for a device: the only thing that can be handed to one (row S44). Between the map and the unmap the device
 * owns the buffer, but for what was synced for the CPU and not given back.
 *
 * <p>Syncs may be called by any thread, also several at a time.
 */
public final class DeviceMapping {
    private final Attachment attachment;
    private final DmaBuf buffer;
    private final Holder holder;
    private final Direction direction;
    private final Set<DmaAttribute> attributes;
    private final Lines lines;
    private final Segments segments;
    private final SegmentList list;
    private final @Nullable Bounce bounce;
    private final @Nullable TranslatedView view;
    private final WrittenRanges written;
    private final long mappedNanos = System.nanoTime();
    /** Held by a sync, and while the mapping ends: a sync finds all there is or nothing. Taken after the buffer's lock. */
    private final Object turn = new Object();
    /** A range of one row. With the turn. */
    private final Rows range = new Rows();
    private volatile boolean live = true;
    /** Whether the segments still lead anywhere. With the buffer locked. */
    private boolean inSpace = true;
    private volatile boolean used;
    private volatile @Nullable AddressOrder order;

    /** @param holder who owns the lines: the attachment's, or one of the mapping's own, which leaves with it */
    DeviceMapping(Attachment attachment, Holder holder, Direction direction, Set<DmaAttribute> attributes, Lines lines,
            Segments segments, SegmentList list, @Nullable Bounce bounce, @Nullable TranslatedView view) {
        this.attachment = attachment;
        this.holder = holder;
        this.buffer = attachment.buffer();
        this.direction = direction;
        this.attributes = attributes;
        this.lines = lines;
        this.segments = segments;
        this.list = list;
        this.bounce = bounce;
        this.view = view;
        written = new WrittenRanges(direction == Direction.FROM_DEVICE ? buffer.size() : 0);
    }

    public Attachment attachment() {
        return attachment;
    }

    public Direction direction() {
        return direction;
    }

    /** Where the device finds the buffer: what an importer writes into its registers. */
    public SegmentList segments() {
        return list;
    }

    /** Whether it was not unmapped, moved away from or revoked. */
    public boolean isLive() {
        return live;
    }

    // ---- transfers

    // Ranges are bytes of what the device sees: of the buffer, unless its exporter shows it a view of it.

    /** Gives the whole buffer to the device, in the direction it was mapped with. */
    public void syncForDevice() throws DmaBufException {
        syncForDevice(0, buffer.size(), direction);
    }

    /**
     * Gives a range to the device: what the CPU wrote there, the device will see.
     *
     * @param part as the mapping, or one of its two if that is bidirectional
     * @throws DmaBufException EINVAL: not mapped any more, outside of the buffer, another direction. Nothing was done.
     */
    public void syncForDevice(long from, long length, Direction part) throws DmaBufException {
        synchronized (turn) {
            give(range.set(from, length), part);
        }
    }

    /** Gives rows to the device, in one pass of the gate. */
    public void syncForDevice(Rows rows, Direction part) throws DmaBufException {
        synchronized (turn) {
            give(rows, part);
        }
    }

    private void give(Rows rows, Direction part) throws DmaBufException {
        beginGive(rows, part);
        buffer.core().gate().syncForDevice(lines, holder, rows, part, direction);
        endGive(rows, part);
    }

    /**
     * Gives rows to the device, and what it does with them at once is judged: for a device whose command says both.
     *
     * @param done whether the table lets it through
     */
    void syncForAccess(Rows rows, Direction part, boolean write, boolean done) throws DmaBufException {
        synchronized (turn) {
            beginGive(rows, part);
            buffer.core().gate().syncForAccess(lines, holder, rows, part, direction, write, done);
            endGive(rows, part);
        }
    }

    private void beginGive(Rows rows, Direction part) throws DmaBufException {
        check(rows.offset(), rows.span(), part, false);
        if (bounce == null || !part.deviceReads()) return;
        for (long row = 0; row < rows.count(); row++) copyToDevice(bounce, rows.offset(row), rows.rowBytes());
    }

    private void endGive(Rows rows, Direction part) {
        for (long row = 0; row < rows.count(); row++) written.clear(rows.offset(row), rows.rowBytes());
        record(EventKind.SYNC_FOR_DEVICE, rows, part);
    }

    private void record(EventKind kind, Rows rows, Direction part) {
        TraceSink trace = buffer.core().trace();
        if (!trace.isOn()) return;
        for (long row = 0; row < rows.count(); row++) {
            trace.record(kind, buffer.number(), attachment.number(), part.number(), rows.offset(row), rows.rowBytes(),
                    0, 0);
        }
    }

    /**
     * Does what a kernel does with a sync that its mapping does not allow, after {@link #syncForDevice} or {@link #syncForCpu} has
     * refused it and a finding has said so: it maintains the caches as it was told, and the range changes hands. Nothing happens if
     * the mapping has ended.
     *
     * @param from with {@code length} inside of the buffer
     */
    public void obeySync(long from, long length, Direction part, boolean forCpu) {
        synchronized (turn) {
            if (!live) return;
            if (forCpu) {
                buffer.core().gate().forCpu(lines, holder, range.set(from, length), part);
            } else {
                buffer.core().gate().syncForDevice(lines, holder, range.set(from, length), part, direction);
            }
        }
    }

    /** Takes the whole buffer back from the device, in the direction it was mapped with. */
    public void syncForCpu() throws DmaBufException {
        syncForCpu(0, buffer.size(), direction);
    }

    /** Takes a range back: what the device wrote there, the CPU will see. As {@link #syncForDevice(long, long, Direction)}. */
    public void syncForCpu(long from, long length, Direction part) throws DmaBufException {
        synchronized (turn) {
            take(range.set(from, length), part);
        }
    }

    /** Takes rows back, in one pass of the gate. */
    public void syncForCpu(Rows rows, Direction part) throws DmaBufException {
        synchronized (turn) {
            take(rows, part);
        }
    }

    private void take(Rows rows, Direction part) throws DmaBufException {
        check(rows.offset(), rows.span(), part, true);
        for (long row = 0; row < rows.count(); row++) reportUnwritten(rows.offset(row), rows.rowBytes());
        buffer.core().gate().forCpu(lines, holder, rows, part);
        for (long row = 0; bounce != null && part.deviceWrites() && row < rows.count(); row++)
            copyToCpu(bounce, rows.offset(row), rows.rowBytes());
        record(EventKind.SYNC_FOR_CPU, rows, part);
    }

    /** Copies what the CPU has in a bounced buffer. */
    void copyToDevice(Bounce copy, long from, long length) {
        Bounce.Lost lost = copy.toDevice(from, length);
        if (lost.isNothing()) return;
        told(Rule.MISSING_SYNC_FOR_CPU, lost, "given to the device again before what it wrote was taken back");
    }

    private void copyToCpu(Bounce copy, long from, long length) {
        buffer.core().gate().copyBack(lines, holder, from, length);
        Bounce.Lost lost = copy.toCpu(from, length);
        if (lost.isNothing()) return;
        told(Rule.CPU_WRITES_LOST, lost,
                "written by the CPU, not given to the device since, and replaced by the copy back");
    }

    /** An access of the CPU begins: what the device has written in its copy is in the buffer then. With the buffer locked. */
    void borrowed(long from, long length, Direction access) {
        if (bounce == null || !access.deviceWrites() || !direction.deviceWrites()) return;
        bounce.forEachNewer(from, length, true, (begin, bytes) -> copyToCpu(bounce, begin, bytes));
    }

    /**
     * An access of the CPU ends: what it wrote is in the device's copy, too, also where the device only writes, or the copy back
     * would replace it. With the buffer locked.
     */
    void givenBack(long from, long length, Direction access) {
        if (bounce == null || !access.deviceReads()) return;
        bounce.forEachNewer(from, length, false, (begin, bytes) -> copyToDevice(bounce, begin, bytes));
    }

    private void endCopy(Bounce copy, boolean skip) {
        if (!skip) {
            copyToCpu(copy, 0, buffer.size());
            return;
        }
        Bounce.Lost left = copy.newer(0, buffer.size());
        if (!left.isNothing()) told(Rule.NEVER_FETCHED, left, "written by the device, and not copied back");
    }

    private void told(Rule rule, Bounce.Lost lost, String what) {
        buffer.core().findings().add(rule, attachment.subject(), lost.from(), lost.length(), what);
    }

    private void check(long from, long length, Direction part, boolean forCpu) throws DmaBufException {
        used = true;
        if (!live) throw finding(Rule.D19_SYNC_NOT_MAPPED, from, length, "synced, and not mapped any more");
        if (from < 0 || length < 0 || from > buffer.size() - length)
            throw finding(Rule.D20_SYNC_TOO_LONG, from, length,
                    "a sync of %d bytes from %d on, and there are %d".formatted(
                            length, from, buffer.size()));
        if (part == direction || direction == Direction.BIDIRECTIONAL) return;
        // The kernel says D21 of all of them, and of these two more: the mapping's direction is in the sync's, which asks too much.
        Rule rule = Rule.D21_SYNC_DIRECTION;
        if (part == Direction.BIDIRECTIONAL && forCpu && direction == Direction.TO_DEVICE)
            rule = Rule.D22_SYNC_FOR_CPU_READ_ONLY;
        if (part == Direction.BIDIRECTIONAL && !forCpu && direction == Direction.FROM_DEVICE)
            rule = Rule.D23_SYNC_FOR_DEVICE_WRITE_ONLY;
        throw finding(rule, from, length, "synced %s, and mapped %s".formatted(part, direction));
    }

    private DmaBufException finding(Rule rule, long from, long length, String what) {
        buffer.core().findings().add(rule, attachment.subject(), from, length, what);
        return buffer.refused(Errno.EINVAL, "%s: %s".formatted(attachment.function().name(), what));
    }

    private void reportUnwritten(long from, long length) {
        if (direction != Direction.FROM_DEVICE) return;
        long missing = written.firstGap(from, length);
        if (missing >= 0) {
            buffer.core().findings().add(Rule.NEVER_WRITTEN, attachment.subject(), missing,
                    written.gapLength(missing, from + length), "the device was to fill them and has not");
        }
        // Accounted for, until the device has it again.
        written.add(from, length);
    }

    // ---- what the device does

    /** A device has written: for what it was to fill and has not. */
    void noteWritten(long from, long length) {
        if (direction == Direction.FROM_DEVICE) written.add(from, length);
    }

    /**
     * It is in use, whatever the core sees of that: for a mapping that somebody else has made, whose time nobody here has
     * chosen. One that ends unused is a hint otherwise.
     */
    public void noteUsed() {
        used = true;
    }

    Segments mapped() {
        return segments;
    }

    /** The same in the order of their addresses; made for the first who asks. */
    AddressOrder order() {
        AddressOrder present = order;
        if (present == null) {
            present = AddressOrder.of(segments);
            order = present;
        }
        return present;
    }

    Holder holder() {
        return holder;
    }

    Lines lines() {
        return lines;
    }

    /** What the exporter shows the device instead of the buffer, or null. */
    @Nullable
    TranslatedView view() {
        return view;
    }

    // ---- ending

    /**
     * Ends the mapping: a transfer of all of it to the CPU.
     *
     * @throws DmaBufException EINVAL if it has ended already; EDEADLK inside of a read section of the calling thread, for which it
     *         would wait: nothing is changed then
     */
    public void unmap() throws DmaBufException {
        unmap(direction, attributes);
    }

    /**
     * As {@link #unmap()}, by one who says how it was mapped: another direction or attribute is a finding, and is ignored. Whether
     * the caches are left alone is a matter of each call ({@link DmaAttribute#SKIP_CPU_SYNC}) and no finding.
     */
    public void unmap(Direction asMapped, Set<DmaAttribute> asGiven) throws DmaBufException {
        checkOutside("unmaps");
        synchronized (buffer) {
            if (attachment.mapping() != this)
                throw finding(Rule.D2_UNMAP_NOT_MAPPED, 0, buffer.size(), "unmapped, and not mapped any more");
            if (asMapped != direction)
                told(Rule.D7_UNMAP_DIRECTION, "unmapped %s, and mapped %s".formatted(asMapped, direction));
            if (!lasting(asGiven).equals(lasting(attributes))) {
                told(Rule.D9_UNMAP_ATTRIBUTES, "unmapped with %s, and mapped with %s".formatted(named(asGiven),
                        named(attributes)));
            }
            end(false, asGiven.contains(DmaAttribute.SKIP_CPU_SYNC));
        }
    }

    /** The attributes of a mapping, and not of a call. */
    private static Set<DmaAttribute> lasting(Set<DmaAttribute> attributes) {
        Set<DmaAttribute> lasting = EnumSet.noneOf(DmaAttribute.class);
        lasting.addAll(attributes);
        lasting.remove(DmaAttribute.SKIP_CPU_SYNC);
        return lasting;
    }

    private void checkOutside(String does) throws DmaBufException {
        if (!attachment.function().space().insideSection()) return;
        throw buffer.refused(Errno.EDEADLK, """
                %s %s it inside of a read section of its own, and would wait for itself: leave the section first\
                """.formatted(attachment.function().name(), does));
    }

    /**
     * Ends the mapping without a transfer: no byte moves, what the device wrote is lost, and nothing is a finding. For what has
     * turned out to be no mapping of a driver's, or whose machine is gone.
     *
     * @throws DmaBufException EINVAL if it has ended already, EDEADLK as {@link #unmap()}
     */
    public void discard() throws DmaBufException {
        checkOutside("discards");
        synchronized (buffer) {
            if (attachment.mapping() != this)
                throw buffer.refused(Errno.EINVAL, attachment.function().name() + " discards what is not mapped");
            end(true, true);
        }
    }

    private static Set<DmaAttribute> named(Set<DmaAttribute> attributes) {
        return attributes.isEmpty() ? attributes : EnumSet.copyOf(attributes);
    }

    private void told(Rule rule, String what) {
        buffer.core().findings().add(rule, attachment.subject(), 0, buffer.size(), what);
    }

    /** Ends it in whatever state it is. With the buffer locked. */
    void end() {
        end(false, attributes.contains(DmaAttribute.SKIP_CPU_SYNC));
    }

    private void end(boolean discarded, boolean skip) {
        long began = System.nanoTime();
        boolean hadLife = live;
        live = false;
        // Not with the turn, which one whose read section is waited for may want.
        leaveSpace("unmapped");
        synchronized (turn) {
            finish(began, hadLife, discarded, skip);
        }
    }

    private void finish(long began, boolean hadLife, boolean discarded, boolean skip) {
        if (hadLife) {
            // One that was for a device that snoops has moved nothing.
            if (!used && !discarded && buffer.core().gate().isCached(holder))
                told(Rule.MAPPED_AT_IMPORT, "mapped and unmapped, and never used between");
            if (!skip && !discarded) reportUnwritten(0, buffer.size());
            giveBack(skip, discarded);
        }
        if (bounce != null) bounce.close();
        if (view != null) view.close();
        if (!discarded) buffer.noteHeld(attachment.function(), "mapped", began - mappedNanos);
        buffer.core().trace().record(EventKind.UNMAP, buffer.number(), attachment.number(), direction.number(), 0,
                buffer.size(), 0, System.nanoTime() - began);
        try {
            attachment.mappingEnded();
        } catch (DmaBufException e) {
            throw new IllegalStateException("a mapping without its segments", e);
        }
    }

    /** The device loses it at once, and its importer finds out. With the buffer locked. */
    void takeAway() {
        if (!live) return;
        live = false;
        leaveSpace("taken away with the buffer's memory");
        synchronized (turn) {
            giveBack(false, false);
        }
    }

    private void giveBack(boolean skip, boolean discarded) {
        if (discarded) {
            buffer.core().gate().discard(lines, holder, direction);
        } else {
            buffer.core().gate().end(lines, holder, direction, skip);
            if (bounce != null && direction.deviceWrites()) endCopy(bounce, skip);
        }
        if (!holder.equals(attachment.holder())) buffer.core().gate().leave(lines, holder);
    }

    private void leaveSpace(String how) {
        if (!inSpace) return;
        inSpace = false;
        attachment.function().space().unmap(segments);
        attachment.addresses().remove(this, how);
    }
}
