package sluice.dmacore.buffer;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Holder;
import sluice.dmacore.ownership.Lines;

/**
 * The copies of a mapping through a bounce buffer: which transfer copies in which direction, and what is a finding when
 * a copy overwrites newer bytes, or none is made. Locked as the mapping's calls are.
 */
final class Bouncing {
    private final Bounce copy;
    private final Attachment attachment;
    private final DmaBuf buffer;
    private final Lines lines;
    private final Holder holder;
    private final Direction direction;

    /** @param direction of the mapping */
    Bouncing(Bounce copy, Attachment attachment, Lines lines, Holder holder, Direction direction) {
        this.copy = copy;
        this.attachment = attachment;
        this.buffer = attachment.buffer();
        this.lines = lines;
        this.holder = holder;
        this.direction = direction;
    }

    // ---- transfers

    /** The mapping begins. */
    void begin() {
        toDevice(0, buffer.size());
    }

    /** Before a sync for the device. */
    void give(Rows rows, Direction part) {
        for (long row = 0; row < rows.count(); row++) {
            if (part.deviceReads()) {
                toDevice(rows.offset(row), rows.rowBytes());
            } else {
                giveUnfetched(rows.offset(row), rows.rowBytes());
            }
        }
    }

    /** After a sync for the CPU. */
    void take(Rows rows, Direction part) {
        for (long row = 0; row < rows.count(); row++) {
            if (part.deviceWrites()) {
                toCpu(rows.offset(row), rows.rowBytes());
            } else {
                copy.leave(rows.offset(row), rows.rowBytes());
            }
        }
    }

    /** A CPU access begins: copies the device's writes. With the buffer locked. */
    void borrowed(long from, long length, Direction access) {
        if (access.deviceWrites() && direction.deviceWrites())
            copy.forEachNewer(from, length, true, this::toCpu);
    }

    /**
     * A CPU access ends: copies its writes, even for a device that only writes, because the copy back would overwrite
     * them. With the buffer locked.
     */
    void givenBack(long from, long length, Direction access) {
        if (access.deviceReads()) copy.forEachNewer(from, length, false, this::toDevice);
    }

    /** The mapping ends. */
    void end(boolean skip) {
        if (!direction.deviceWrites()) return;
        if (!skip) {
            toCpu(0, buffer.size());
            return;
        }
        Bounce.Lost left = copy.newer(0, buffer.size());
        if (!left.isNothing()) told(Rule.NEVER_FETCHED, left, "written by the device, and not copied back");
    }

    void close() {
        copy.close();
    }

    // ---- copies

    private void toDevice(long from, long length) {
        Bounce.Lost lost = copy.toDevice(from, length);
        if (lost.isNothing()) return;
        told(Rule.MISSING_SYNC_FOR_CPU, lost, "synced for the device again before its writes were synced for the CPU");
    }

    private void giveUnfetched(long from, long length) {
        Bounce.Lost left = copy.giveUnfetched(from, length);
        if (left.isNothing()) return;
        told(Rule.NEVER_FETCHED, left,
                "what the device wrote was not copied when it was taken back: syncForCpu(FROM_DEVICE) is missing, if the CPU has read it");
    }

    private void toCpu(long from, long length) {
        buffer.core().gate().copyBack(lines, holder, from, length);
        Bounce.Lost lost = copy.toCpu(from, length);
        if (lost.isNothing()) return;
        told(Rule.CPU_WRITES_LOST, lost,
                "written by the CPU, not given to the device since, and replaced by the copy back");
    }

    private void told(Rule rule, Bounce.Lost lost, String what) {
        buffer.core().findings().add(rule, attachment.subject(), lost.from(), lost.length(), what);
    }
}
