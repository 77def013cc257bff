package sluice.dmacore.witness;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;

/**
 * The latest events of a witnessed machine in one order: calls of the guest's kernel, and accesses of our devices, each with the
 * first rule that it broke. A device's accesses between two calls are joined where they continue each other, so a picture that is
 * written line by line is one event. Thread-safe; adding an event allocates nothing.
 */
public final class Timeline {
    /** Events that are kept: the latest. */
    public static final int KEPT = 2048;
    /** How far back an access looks for one that it continues. */
    private static final int JOINED = 8;

    /** What an event is. */
    public enum Kind {
        /** A call of the guest's kernel. */
        CALL,
        /** Reads of a device. */
        READ,
        /** Writes of a device. */
        WRITE
    }

    /**
     * An event.
     *
     * @param order from 1, without gaps
     * @param nanos since the first event
     * @param device name of the device; empty if none is involved
     * @param call name of the kernel's function; empty for an access
     * @param buffer name of the mapping; empty if there is none
     * @param from offset in the mapping, or without a mapping the address
     * @param length in bytes
     * @param count entries of a call's list, or accesses that were joined
     * @param direction of a call; null for an access
     * @param attributes of a call
     * @param chain call chain as in {@link KernelCall}
     * @param rule the first rule of which a violation was found, an error before a hint; null if none
     */
    public record Event(long order, long nanos, Kind kind, String device, String call, String buffer, long from,
            long length, long count, @Nullable Direction direction, Set<DmaAttribute> attributes, String chain,
            @Nullable Rule rule) {}

    private static final class Slot {
        long nanos;
        Kind kind = Kind.CALL;
        String device = "";
        String call = "";
        String buffer = "";
        long from;
        long length;
        long count;
        @Nullable
        Direction direction;
        Set<DmaAttribute> attributes = Set.of();
        String chain = "";
        @Nullable
        Rule rule;
        long thread;

        Event event(long order) {
            return new Event(order, nanos, kind, device, call, buffer, from, length, count, direction, attributes,
                    chain, rule);
        }
    }

    /** The event that a thread is in, or 0. */
    private static final class Current {
        long order;
    }

    private final ThreadLocal<Current> current = ThreadLocal.withInitial(Current::new);
    private final Slot[] slots = new Slot[KEPT];
    private final long began = System.nanoTime();
    private long last;

    Timeline(Findings findings) {
        for (int i = 0; i < KEPT; i++) slots[i] = new Slot();
        findings.follow((rule, _, _, _) -> found(rule));
    }

    private Slot slot(long order) {
        return slots[(int) (order % KEPT)];
    }

    private Slot begin(Kind kind, String device, String buffer, long from, long length) {
        Slot slot = slot(++last);
        slot.nanos = System.nanoTime() - began;
        slot.kind = kind;
        slot.device = device;
        slot.buffer = buffer;
        slot.from = from;
        slot.length = length;
        slot.count = 1;
        slot.rule = null;
        slot.thread = Thread.currentThread().threadId();
        current.get().order = last;
        return slot;
    }

    /**
     * A call begins: what is found on this thread until {@link #end} is found in it.
     *
     * @param address of its first entry; 0 without entries
     * @param length of all entries
     */
    public void call(WitnessedDevice device, KernelCall call, long address, long length, int entries) {
        Stretch at = entries == 0 ? null : device.find(address);
        // A call that maps makes what it names.
        boolean known = at != null && !call.maps();
        begin(device.name(), call, known && at != null ? at.owner().name() : KernelMapping.named(call.name(), address),
                known && at != null ? at.position(address) : 0, length, entries);
    }

    /** The kernel begins or ends an access of the CPU to a dma-buf. */
    public void cpuAccess(KernelCall call, String buffer, long length) {
        begin("", call, buffer, 0, length, 1);
        end();
    }

    private synchronized void begin(String device, KernelCall call, String buffer, long from, long length,
            int entries) {
        Slot slot = begin(Kind.CALL, device, buffer, from, length);
        slot.call = call.name();
        slot.count = entries;
        slot.direction = call.direction();
        slot.attributes = call.attributes();
        slot.chain = call.chain();
    }

    /**
     * An access of a device begins, as {@link #call} does.
     *
     * @param buffer the mapping's name; empty if there is none
     * @param from offset in the mapping, or the address
     */
    synchronized void access(Access access, String device, String buffer, long from, long length) {
        Kind kind = access == Access.READ ? Kind.READ : Kind.WRITE;
        long self = Thread.currentThread().threadId();
        for (long order = last; order > Math.max(0, last - JOINED); order--) {
            Slot slot = slot(order);
            if (slot.kind == Kind.CALL || slot.thread != self) break;
            if (slot.kind != kind || !slot.buffer.equals(buffer) || from > slot.from + slot.length
                    || from < slot.from)
                continue;
            slot.length = Math.max(slot.length, from + length - slot.from);
            slot.count++;
            current.get().order = order;
            return;
        }
        Slot slot = begin(kind, device, buffer, from, length);
        slot.call = "";
        slot.direction = null;
        slot.attributes = Set.of();
        slot.chain = "";
    }

    /** The event that this thread has begun ends. */
    public void end() {
        current.get().order = 0;
    }

    private synchronized void found(Rule rule) {
        long order = current.get().order;
        if (order == 0 || order <= last - KEPT) return;
        Slot slot = slot(order);
        Rule before = slot.rule;
        boolean worse = before != null && before.severity() == Rule.Severity.HINT
                && rule.severity() == Rule.Severity.ERROR;
        if (before == null || worse) slot.rule = rule;
    }

    /** The events that are kept, in order. */
    public synchronized List<Event> events() {
        List<Event> events = new ArrayList<>();
        for (long order = Math.max(1, last - KEPT + 1); order <= last; order++) events.add(slot(order).event(order));
        return events;
    }
}
