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
 * A buffer mapped for a device; only a mapping can be passed to a device (row S44). Between map and unmap the device
 * owns the buffer, except ranges synced for the CPU and not yet synced back.
 *
 * <p>Syncs may be called concurrently by any thread.
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
    private final @Nullable Bouncing bounce;
    private final @Nullable TranslatedView view;
    private final WrittenRanges written;
    private final long mappedNanos = System.nanoTime();
    /**
     * Held by a sync, and while the mapping ends, so that a sync sees a live mapping or none. Taken after the buffer's
     * lock.
     */
    private final Object turn = new Object();
    /** A range of one row. Guarded by {@code turn}. */
    private final Rows range = new Rows();
    private volatile boolean live = true;
    /** Whether the segments are still mapped. With the buffer locked. */
    private boolean inSpace = true;
    private volatile boolean used;
    private volatile @Nullable AddressOrder order;

    /** @param holder owner of the lines: the attachment's holder, or one of the mapping's own, which leaves with it */
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
        this.bounce = bounce == null ? null : new Bouncing(bounce, attachment, lines, holder, direction);
        this.view = view;
        written = new WrittenRanges(direction == Direction.FROM_DEVICE ? buffer.size() : 0);
    }

    /** The lines are the device's: makes the first copy to a bounce buffer. */
    void begin() {
        if (bounce != null) bounce.begin();
    }

    public Attachment attachment() {
        return attachment;
    }

    public Direction direction() {
        return direction;
    }

    /** The device addresses of the buffer, for the device's registers. */
    public SegmentList segments() {
        return list;
    }

    /** Whether it is live: not unmapped, moved or revoked. */
    public boolean isLive() {
        return live;
    }

    // ---- transfers

    // Ranges are offsets in what the device sees: the buffer, or the exporter's view of it.

    /** Transfers the whole buffer to the device, in the direction of the mapping. */
    public void syncForDevice() throws DmaBufException {
        syncForDevice(0, buffer.size(), direction);
    }

    /**
     * Transfers a range to the device, which then sees the CPU's writes.
     *
     * @param part the direction of the mapping, or either one if that is bidirectional
     * @throws DmaBufException EINVAL if it is not mapped any more, the range is outside the buffer, or the direction
     * differs; nothing is done then
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
     * Transfers rows to the device and checks its access to them in one step, for a command that does both.
     *
     * @param done whether the device's table permits the access
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
        if (bounce != null) bounce.give(rows, part);
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
                    0);
        }
    }

    /**
     * Carries out a sync that the mapping does not allow, as the kernel would, after {@link #syncForDevice} or {@link
     * #syncForCpu} has refused it with a finding: performs the cache maintenance and transfers the range. No effect if
     * the mapping has ended.
     *
     * @param from first byte; {@code [from, from + length)} is inside the buffer
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

    /** Transfers the whole buffer to the CPU, in the direction of the mapping. */
    public void syncForCpu() throws DmaBufException {
        syncForCpu(0, buffer.size(), direction);
    }

    /**
     * Transfers a range to the CPU, which then sees the device's writes. As {@link #syncForDevice(long, long,
     * Direction)}.
     */
    public void syncForCpu(long from, long length, Direction part) throws DmaBufException {
        synchronized (turn) {
            take(range.set(from, length), part);
        }
    }

    /** Transfers rows to the CPU, in one pass of the gate. */
    public void syncForCpu(Rows rows, Direction part) throws DmaBufException {
        synchronized (turn) {
            take(rows, part);
        }
    }

    private void take(Rows rows, Direction part) throws DmaBufException {
        check(rows.offset(), rows.span(), part, true);
        for (long row = 0; row < rows.count(); row++) reportUnwritten(rows.offset(row), rows.rowBytes());
        buffer.core().gate().forCpu(lines, holder, rows, part);
        if (bounce != null) bounce.take(rows, part);
        record(EventKind.SYNC_FOR_CPU, rows, part);
    }

    /** A CPU access begins. With the buffer locked. */
    void borrowed(long from, long length, Direction access) {
        if (bounce != null) bounce.borrowed(from, length, access);
    }

    /** A CPU access ends. With the buffer locked. */
    void givenBack(long from, long length, Direction access) {
        if (bounce != null) bounce.givenBack(from, length, access);
    }

    private void check(long from, long length, Direction part, boolean forCpu) throws DmaBufException {
        used = true;
        if (!live) throw finding(Rule.D19_SYNC_NOT_MAPPED, from, length, "synced after the unmap");
        if (from < 0 || length < 0 || from > buffer.size() - length)
            throw finding(Rule.D20_SYNC_TOO_LONG, from, length,
                    "a sync of %d bytes at %d exceeds the %d bytes of the buffer".formatted(
                            length, from, buffer.size()));
        if (part == direction || direction == Direction.BIDIRECTIONAL) return;
        // The kernel reports D21 for all of these, and these two in addition: the sync's direction includes more than
        // the mapping's.
        Rule rule = Rule.D21_SYNC_DIRECTION;
        if (part == Direction.BIDIRECTIONAL && forCpu && direction == Direction.TO_DEVICE)
            rule = Rule.D22_SYNC_FOR_CPU_READ_ONLY;
        if (part == Direction.BIDIRECTIONAL && !forCpu && direction == Direction.FROM_DEVICE)
            rule = Rule.D23_SYNC_FOR_DEVICE_WRITE_ONLY;
        throw finding(rule, from, length, "synced %s, but mapped %s".formatted(part, direction));
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
                    written.gapLength(missing, from + length), "the device should have filled them and did not");
        }
        // Reported once, until the device owns it again.
        written.add(from, length);
    }

    // ---- what the device does

    /** Records a device's write, to find ranges that it should have filled. */
    void noteWritten(long from, long length) {
        if (direction == Direction.FROM_DEVICE) written.add(from, length);
    }

    /**
     * Marks it as used, for a mapping made by other code, such as a guest's kernel, whose accesses the core does not
     * see. Otherwise a mapping that ends unused is reported as a hint.
     */
    public void noteUsed() {
        used = true;
    }

    Segments mapped() {
        return segments;
    }

    /** The segments in address order; created on first use. */
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

    /** The exporter's view of the buffer for the device, or null. */
    @Nullable
    TranslatedView view() {
        return view;
    }

    // ---- ending

    /**
     * Unmaps: transfers all of the buffer to the CPU.
     *
     * @throws DmaBufException EINVAL if it has ended already; EDEADLK in a read section of the calling thread, which it
     * would wait for; nothing is changed then
     */
    public void unmap() throws DmaBufException {
        unmap(direction, attributes);
    }

    /**
     * As {@link #unmap()}, with the caller's direction and attributes: a difference from those of the map is a finding,
     * and is otherwise ignored. {@link DmaAttribute#SKIP_CPU_SYNC} belongs to each call and may differ.
     */
    public void unmap(Direction asMapped, Set<DmaAttribute> asGiven) throws DmaBufException {
        checkOutside("unmaps");
        synchronized (buffer) {
            if (attachment.mapping() != this)
                throw finding(Rule.D2_UNMAP_NOT_MAPPED, 0, buffer.size(), "unmapped a second time");
            if (asMapped != direction)
                told(Rule.D7_UNMAP_DIRECTION, "unmapped %s, but mapped %s".formatted(asMapped, direction));
            if (!lasting(asGiven).equals(lasting(attributes))) {
                told(Rule.D9_UNMAP_ATTRIBUTES, "unmapped with %s, but mapped with %s".formatted(named(asGiven),
                        named(attributes)));
            }
            end(false, asGiven.contains(DmaAttribute.SKIP_CPU_SYNC));
        }
    }

    /** The attributes of a mapping, without those of a call. */
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
     * Ends the mapping without a transfer: the device's writes are lost, and no finding is reported. For a mapping that
     * turned out not to be a driver's, or of a machine that has ended.
     *
     * @throws DmaBufException EINVAL if it has ended already; EDEADLK as for {@link #unmap()}
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

    /** Ends it in any state. With the buffer locked. */
    void end() {
        end(false, attributes.contains(DmaAttribute.SKIP_CPU_SYNC));
    }

    private void end(boolean discarded, boolean skip) {
        long began = System.nanoTime();
        boolean hadLife = live;
        live = false;
        // Not while holding {@code turn}, because a thread in a read section that is waited for may need it.
        leaveSpace("unmapped");
        synchronized (turn) {
            finish(began, hadLife, discarded, skip);
        }
    }

    private void finish(long began, boolean hadLife, boolean discarded, boolean skip) {
        if (hadLife) {
            // A mapping for a snooping device has not moved data.
            if (!used && !discarded && buffer.core().gate().isCached(holder))
                told(Rule.MAPPED_AT_IMPORT, "mapped and unmapped without a use in between");
            if (!skip && !discarded) reportUnwritten(0, buffer.size());
            giveBack(skip, discarded);
        }
        if (bounce != null) bounce.close();
        if (view != null) view.close();
        if (!discarded) buffer.noteHeld(attachment.function(), "mapped", began - mappedNanos);
        long now = System.nanoTime();
        buffer.core().trace().record(EventKind.UNMAP, buffer.number(), attachment.number(), direction.number(), 0,
                buffer.size(), 0, now - began, now);
        try {
            attachment.mappingEnded();
        } catch (DmaBufException e) {
            throw new IllegalStateException("a mapping without its segments", e);
        }
    }

    /** Revokes the device's access at once; the importer sees it at its next call. With the buffer locked. */
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
            if (bounce != null) bounce.end(skip);
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
