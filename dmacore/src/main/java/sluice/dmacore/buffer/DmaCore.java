package sluice.dmacore.buffer;

import java.util.Collection;
import java.util.Collections;
import java.util.Random;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Flavour;
import sluice.dmacore.ownership.Gate;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.dmacore.space.SystemMemory;
import sluice.dmacore.trace.DeviceTrace;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.QueueTrace;
import sluice.dmacore.trace.QuietSink;
import sluice.dmacore.trace.TraceSink;

/**
 * The dma-buf core of one machine, through which all of its devices share buffers. Thread-safe.
 */
public final class DmaCore {
    private static final int MOST_NAMED = 4096;

    private final DmaCoreOptions options;
    private final Findings findings;
    private final Ledger ledger = new Ledger();
    private final Gate gate;
    private final SystemMemory system = new SystemMemory();
    private final ExportedObjects exported = new ExportedObjects();
    private final MachineAddresses addresses;
    private final @Nullable Random listCuts;
    /** By their numbers. */
    private final ConcurrentSkipListMap<Integer, DmaBuf> buffers = new ConcurrentSkipListMap<>();
    private final AtomicInteger numbers = new AtomicInteger();
    /** Names in the trace of what is no buffer, such as devices and queues, by number: the first, which last. */
    private final ConcurrentSkipListMap<Integer, String> named = new ConcurrentSkipListMap<>();
    private final AtomicLong bounced = new AtomicLong();
    private final AtomicLong bounceHeld = new AtomicLong();

    private DmaCore(DmaCoreOptions options, Findings findings) {
        this.options = options.withTrace(QuietSink.around(options.trace()));
        this.findings = findings;
        addresses = new MachineAddresses(findings);
        listCuts = options.listCuts() == 0 ? null : new Random(options.listCuts());
        TraceSink trace = this.options.trace();
        findings.follow((rule, subject, from, length) -> trace.record(EventKind.FINDING, subject.number(),
                subject.attachment(), rule.number(), from, length, 0));
        gate = new Gate(options.flavour(), options.executor(), findings, trace);
    }

    public static DmaCore open(DmaCoreOptions options) {
        return open(options, new Findings());
    }

    /** A core; {@code findings} receives its findings and those of the executor. */
    public static DmaCore open(DmaCoreOptions options, Findings findings) {
        return new DmaCore(options, findings);
    }

    /** A device function of this machine. */
    public DeviceFunction function(String name, DeviceDmaParams params) {
        return DeviceFunction.open(name, params, system);
    }

    /** The trace for events of a device without a buffer, under this name. */
    public DeviceTrace trace(String name) {
        return new DeviceTrace(trace(), named(name));
    }

    /** The trace of a device's queue, under this name: {@code gpu: control}. */
    public QueueTrace queueTrace(String name) {
        return new QueueTrace(trace(), named(name));
    }

    /** A number for a name in the trace, such as that of a request. */
    public int named(String name) {
        int number = nextNumber();
        if (named.size() < MOST_NAMED) named.put(number, name);
        trace().name(number, name);
        return number;
    }

    /** Tells a sink that starts now the names of all there is: buffers, their attachments, devices and queues. */
    public void nameAll(TraceSink sink) {
        named.forEach(sink::name);
        for (DmaBuf buffer : buffers.values()) {
            sink.name(buffer.number(), buffer.name());
            for (Attachment attachment : buffer.attachments()) sink.name(attachment.number(), attachment.traceName());
        }
    }

    /**
     * Creates a buffer of fixed size. Memory is allocated at once, unless the exporter {@linkplain
     * Exporter#allocatesLate allocates late}.
     *
     * @param name up to 31 characters are shown
     * @param size in bytes, at least 1
     * @throws DmaBufException EINVAL (size), and errors of the exporter
     */
    public DmaBuf export(String name, long size, Exporter exporter) throws DmaBufException {
        return export(name, size, exporter, Budget.ofProcess().own());
    }

    /**
     * As {@link #export(String, long, Exporter)}, on request of a device's guest.
     *
     * @param payer the device's share, charged for the buffer; attaching fails with ENOMEM when it is used up
     */
    public DmaBuf export(String name, long size, Exporter exporter, Share payer) throws DmaBufException {
        if (size < 1)
            throw new DmaBufException(Errno.EINVAL, name + ": a buffer has at least one byte, and not " + size);
        return DmaBuf.export(this, name, size, exporter, payer);
    }

    /**
     * A function's driver is unbound. Mappings and attachments left are findings; they are not removed, and keep their
     * buffers alive.
     *
     * @return number of mappings left
     */
    public int unbind(DeviceFunction function) {
        int left = function.liveMappings();
        if (left > 0) {
            String first = function.space().table().mappings().stream().findFirst()
                    .map(mapping -> ", the first of %s at 0x%x".formatted(mapping.owner(), mapping.iova())).orElse("");
            findings.add(Rule.D25_MAPPED_AT_DETACH, function.name(), "", 0, 0,
                    "its driver has gone and has left %d mappings%s".formatted(left, first));
        }
        int attached = function.liveAttachments();
        if (attached > left) {
            findings.add(Rule.LEFT_ATTACHED, function.name(), "", 0, 0,
                    "its driver has gone, and keeps %d buffers that it is attached to".formatted(attached));
        }
        return left;
    }

    public DmaCoreOptions options() {
        return options;
    }

    public Findings findings() {
        return findings;
    }

    /** The buffers that devices find by a UUID. */
    public ExportedObjects exported() {
        return exported;
    }

    /** The buffers that are not freed, oldest first; a view, which may change meanwhile, and whose size takes time. */
    public Collection<DmaBuf> buffers() {
        return Collections.unmodifiableCollection(buffers.values());
    }

    void add(DmaBuf buffer) {
        buffers.put(buffer.number(), buffer);
    }

    void remove(DmaBuf buffer) {
        buffers.remove(buffer.number());
    }

    /** Counters of transfers of all buffers. */
    public OwnershipCounters totals() {
        return ledger.totals();
    }

    /** Bytes copied through bounce buffers. */
    public long bouncedBytes() {
        return bounced.get();
    }

    Ledger ledger() {
        return ledger;
    }

    Gate gate() {
        return gate;
    }

    /** Whether a stream of this kind needs cache maintenance. */
    boolean isCached(Stream stream) {
        return !stream.coherent() && options.flavour() != Flavour.COHERENT;
    }

    /** Random numbers for cutting segment lists, or null if they are not cut. */
    @Nullable
    Random listCuts() {
        return listCuts;
    }

    MachineAddresses addresses() {
        return addresses;
    }

    SystemMemory system() {
        return system;
    }

    TraceSink trace() {
        return options.trace();
    }

    int nextNumber() {
        return numbers.incrementAndGet();
    }

    void noteBounced(long bytes) {
        bounced.addAndGet(bytes);
    }

    /** Reserves bounce memory; false if the limit would be exceeded. */
    boolean takeBounce(long bytes) {
        if (bounceHeld.addAndGet(bytes) <= options.bounceBytes()) return true;
        bounceHeld.addAndGet(-bytes);
        return false;
    }

    void giveBounce(long bytes) {
        bounceHeld.addAndGet(-bytes);
    }
}
