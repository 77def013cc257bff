package sluice.dmacore.witness;

import java.util.HashSet;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.DmaConstraints;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DmaMappedSpace;
import sluice.dmacore.space.DmaReader;

/**
 * The DMA mappings of a guest's device, as reported by its kernel's DMA API. Calls arrive on one thread, in the
 * kernel's order and before the kernel continues; a device of this process looks up addresses on another thread ({@link
 * WitnessedView}).
 */
public final class WitnessedDevice implements AutoCloseable {
    /** Limit of tracked mappings of one device; each takes {@link #MAPPING_BYTES}. */
    public static final int MOST_MAPPINGS = 32_768;
    private static final long MAPPING_BYTES = 2048;

    private final DmaCore core;
    private final Stream stream;
    private final Share share;
    private final CoherentMemory coherent;
    private final WritableMemory writable;
    private final @Nullable DmaMappedSpace space;
    private final DeviceFunction function;
    private final ListJudge judge;
    private final CallJudge calls;
    private final Timeline timeline;
    /** By address; guarded by this, like all fields below. */
    private final Addresses addresses = new Addresses();
    private final Set<KernelMapping> mappings = new HashSet<>();
    /** Recently ended ranges, for findings about their use. */
    private final EndedRanges ended = new EndedRanges();
    private boolean told;
    private boolean fromTheBeginning;
    private long untracked;

    /** @param space address space of its addresses, or null for guest physical addresses */
    WitnessedDevice(DmaCore core, String name, Stream stream, Share share, CoherentMemory coherent,
            WritableMemory writable, @Nullable DmaMappedSpace space, DmaConstraints constraints, Timeline timeline) {
        this.timeline = timeline;
        this.space = space;
        this.core = core;
        this.stream = stream;
        this.share = share;
        this.coherent = coherent;
        this.writable = writable;
        // The addresses were not chosen by the core.
        function = core.function(name, DeviceDmaParams.throughIommu().withTranslated(false).withDmaMask(-1));
        judge = new ListJudge(constraints, core.findings(), name);
        calls = new CallJudge(core.findings(), name);
    }

    /** Its name in findings. */
    public String name() {
        return function.name();
    }

    /** Whether it snoops. */
    public Stream stream() {
        return stream;
    }

    /** A reader of its address space for the calling thread; null for guest physical addresses. */
    public @Nullable DmaReader openReader() {
        return space == null ? null : space.openLookup();
    }

    DeviceFunction function() {
        return function;
    }

    DmaCore core() {
        return core;
    }

    Timeline timeline() {
        return timeline;
    }

    /**
     * The kernel begins to report calls for it.
     *
     * @param all whether no driver was bound before, so that all its mappings will be reported
     */
    synchronized void greet(boolean all) {
        told = true;
        fromTheBeginning = all;
    }

    /** Whether calls for it are reported. */
    public synchronized boolean isTold() {
        return told;
    }

    /** Whether all of its mappings were reported. */
    synchronized boolean isToldFromTheBeginning() {
        return fromTheBeginning;
    }

    /** Mappings beyond the limit, which are not tracked: later findings about this device are incomplete. */
    public synchronized long untracked() {
        return untracked;
    }

    /** Number of tracked mappings. */
    public synchronized int live() {
        return mappings.size();
    }

    // ---- the kernel's calls

    /**
     * A list was mapped: transfers it to the device.
     *
     * @param begins device addresses of the entries
     * @param lengths in bytes, each more than 0
     * @param memory behind all entries, in their order
     * @throws DmaBufException the core refuses it: the device can access it, without findings
     */
    public synchronized void map(KernelCall call, long[] begins, long[] lengths, Runs memory)
            throws DmaBufException {
        Findings.at(call.said(), call.chain(), () -> track(call, begins, lengths, memory));
    }

    private void track(KernelCall call, long[] begins, long[] lengths, Runs memory) throws DmaBufException {
        judge.judge(call.name(), begins, lengths, KernelMapping.named(call.name(), begins[0]));
        if (!take(memory.bytes())) return;
        boolean done = false;
        try {
            Stream used = needsTransfers(call, memory) ? stream : Stream.COHERENT;
            KernelMapping made = KernelMapping.of(core, call, function, used, stream.coherent(), share, begins,
                    lengths, memory);
            done = true;
            if (made.isWritable()) checkWriters(call, made);
            add(made);
        } finally {
            if (!done) {
                giveBack(memory.bytes());
                untracked++;
                // It is mapped nevertheless, and its use is not an error of the device.
                trackElsewhere(call, begins, lengths);
            }
        }
    }

    /** Coherent memory needs no cache operations, and what the device only writes may need none. */
    private boolean needsTransfers(KernelCall call, Runs memory) {
        if (stream.coherent() || coherent.contains(memory)) return false;
        return !stream.coherentWrites() || call.direction() != Direction.FROM_DEVICE;
    }

    /**
     * A list without memory of this process was mapped, such as a BAR: it is tracked, and accessed through the
     * front-end's mapping.
     */
    public synchronized void mapElsewhere(KernelCall call, long[] begins, long[] lengths) {
        Findings.at(call.said(), call.chain(), () -> {
            judge.judge(call.name(), begins, lengths, KernelMapping.named(call.name(), begins[0]));
            trackElsewhere(call, begins, lengths);
        });
    }

    private void trackElsewhere(KernelCall call, long[] begins, long[] lengths) {
        if (take(0)) add(KernelMapping.elsewhere(call, begins, lengths));
    }

    /** The core checks other devices; this checks the device's own mappings. */
    private void checkWriters(KernelCall call, KernelMapping made) {
        KernelMapping other = writable.sharing(made.memory(), device -> device == this);
        if (other != null && !call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC))
            found(Rule.D17_OVERLAPPING_WRITES, made, 0, made.bytes(), "it shares lines with " + other.name());
        writable.add(this, made);
    }

    private void found(Rule rule, KernelMapping mapping, long from, long length, String what) {
        core.findings().add(rule, name(), mapping.name(), from, length, what);
    }

    /** Coherent memory was allocated for the device. */
    public synchronized void allocated(KernelCall call, long address, long length, Runs memory) {
        coherent.add(memory);
        Findings.at(call.said(), call.chain(), () -> judge.judge(call.name(), new long[]{ address },
                new long[]{ length }, KernelMapping.named(call.name(), address)));
        if (take(0)) add(KernelMapping.coherent(call, address, length, memory));
    }

    /** Coherent memory was freed; an unknown address was allocated before reporting began. */
    public synchronized void freed(KernelCall call, long address) {
        KernelMapping streaming = null;
        for (Stretch at = addresses.beginning(address); at != null; at = at.below) {
            KernelMapping owner = at.owner();
            if (owner.address(0) != address) continue;
            if (owner.mapping() != null) {
                streaming = owner;
                continue;
            }
            Findings.at(call.said(), call.chain(), () -> calls.ends(call, owner));
            coherent.remove(owner.memory());
            remove(owner, EndedRanges.End.by("freed", call));
            return;
        }
        KernelMapping wrong = streaming;
        if (wrong != null) Findings.at(call.said(), call.chain(), () -> calls.ends(call, wrong));
    }

    private boolean take(long bytes) {
        if (mappings.size() < MOST_MAPPINGS && share.takeOrTell(Resource.HEAP, MAPPING_BYTES)) {
            if (stream.coherent() || share.takeOrTell(Resource.HOST_MEMORY, bytes)) return true;
            share.giveBack(Resource.HEAP, MAPPING_BYTES);
        }
        untracked++;
        fromTheBeginning = false;
        return false;
    }

    private void giveBack(long bytes) {
        share.giveBack(Resource.HEAP, MAPPING_BYTES);
        if (!stream.coherent()) share.giveBack(Resource.HOST_MEMORY, bytes);
    }

    private void add(KernelMapping mapping) {
        mappings.add(mapping);
        addresses.add(mapping);
    }

    /**
     * A list was unmapped: transfers it to the CPU. The report precedes the kernel's own work, so that the bounce
     * buffer is up to date when the kernel copies it back.
     *
     * @param address of its first entry
     * @param length of the first entry
     * @param bytes of all entries
     */
    public synchronized void unmap(KernelCall call, long address, long length, long bytes) throws DmaBufException {
        Findings.at(call.said(), call.chain(), () -> end(call, address, length, bytes));
    }

    private void end(KernelCall call, long address, long length, long bytes) throws DmaBufException {
        KernelMapping found = addresses.unmapped(address, length, bytes, call.direction());
        if (found == null) {
            notEnded(call, address, length);
            return;
        }
        calls.ends(call, found);
        try {
            end(call, found, bytes);
        } finally {
            remove(found, EndedRanges.End.by("unmapped", call));
        }
    }

    /** A call ends what is not mapped. Memory that is allocated stays so. */
    private void notEnded(KernelCall call, long address, long length) {
        Stretch allocated = addresses.beginning(address);
        if (allocated != null && allocated.owner().address(0) == address) {
            calls.ends(call, allocated.owner());
        } else if (!calls.isMappingError(call, address, length)) {
            notMapped(Rule.D2_UNMAP_NOT_MAPPED, call, address, length);
        }
    }

    private void end(KernelCall call, KernelMapping found, long bytes) throws DmaBufException {
        DeviceMapping mapping = found.mapping();
        if (mapping == null) return;
        taken(found, call);
        boolean skip = call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC);
        long unfetched = skip ? found.firstUnfetched(0, found.bytes()) : -1;
        // If it is mapped for another device as well, such as /dev/udmabuf, that device's sync transfers it.
        if (unfetched >= 0 && writable.sharing(found.memory(), device -> device != this) == null)
            found(Rule.NEVER_FETCHED, found, unfetched, found.bytes() - unfetched,
                    "what the device wrote was not taken back: SKIP_CPU_SYNC is wrong, if the CPU has read it");
        if (bytes == found.bytes() || !call.endsAll()) {
            mapping.unmap(call.direction(), call.attributes());
            return;
        }
        found(Rule.D3_UNMAP_SIZE, found, 0, bytes, "%d bytes unmapped, but %d mapped".formatted(bytes, found.bytes()));
        // As in the kernel: the rest is dropped without a transfer.
        if (!skip) mapping.obeySync(0, Math.min(bytes, found.bytes()), call.direction(), true);
        mapping.discard();
    }

    /** A transfer of the device's writes to the CPU, unless it is skipped. */
    private void taken(KernelMapping mapping, KernelCall call) {
        long written = mapping.takeWritten();
        if (mapping.isBounced() && written > 0 && call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC)) {
            found(Rule.BOUNCE_NOT_COPIED_BACK, mapping, 0, mapping.bytes(),
                    "written by the device and left in the bounce buffer, because the call had DMA_ATTR_SKIP_CPU_SYNC");
        }
        long times = written / Math.max(1, mapping.bytes());
        if (times > 1) {
            found(Rule.NEVER_FETCHED, mapping, 0, mapping.bytes(),
                    "filled %d times by the device, and not fetched between: a sync for the CPU is missing, if it has read it"
                            .formatted(times));
        }
    }

    private void notMapped(Rule rule, KernelCall call, long address, long length) {
        if (!fromTheBeginning) return;
        EndedRanges.End end = ended.at(address);
        String what = end == null
                ? "%s of 0x%x, where nothing is mapped".formatted(call.name(), address)
                : "%s of 0x%x, which was %s before".formatted(call.name(), address, end.how());
        core.findings().add(rule, name(), "0x" + Long.toHexString(address), 0, length, what);
    }

    private void remove(KernelMapping mapping, EndedRanges.End how) {
        for (int entry = 0; entry < mapping.entries(); entry++)
            ended.add(mapping.address(entry), mapping.length(entry), how);
        addresses.remove(mapping);
        mappings.remove(mapping);
        if (mapping.isWritable()) writable.remove(mapping);
        mapping.letGo();
        giveBack(mapping.mapping() == null ? 0 : mapping.bytes());
    }

    /** Syncs a part of a mapping for the device. */
    public void syncForDevice(KernelCall call, long address, long length) throws DmaBufException {
        sync(call, address, length, false);
    }

    /** Syncs a part of a mapping for the CPU. */
    public void syncForCpu(KernelCall call, long address, long length) throws DmaBufException {
        sync(call, address, length, true);
    }

    private synchronized void sync(KernelCall call, long address, long length, boolean forCpu) throws DmaBufException {
        Findings.at(call.said(), call.chain(), () -> transfer(call, address, length, forCpu));
    }

    private void transfer(KernelCall call, long address, long length, boolean forCpu) throws DmaBufException {
        Stretch stretch = addresses.synced(address, length, call.direction());
        if (stretch == null) {
            notMapped(Rule.D19_SYNC_NOT_MAPPED, call, address, length);
            return;
        }
        DeviceMapping mapping = stretch.owner().mapping();
        if (mapping == null) return; // coherent memory: nothing to do
        long from = stretch.position(address);
        if (from == 0) calls.syncs(call, stretch.owner());
        long unfetched = forCpu ? -1 : stretch.owner().firstUnfetched(from, length);
        if (unfetched >= 0)
            found(Rule.NEVER_FETCHED, stretch.owner(), unfetched, from + length - unfetched,
                    "given to the device again, and what it wrote was not taken back: a sync for the CPU is missing, if it has read it");
        if (!forCpu) {
            stretch.owner().takeWritten();
        } else if (call.direction().deviceWrites()) {
            taken(stretch.owner(), call);
        }
        if (!forCpu || call.direction().deviceWrites()) stretch.owner().fetched(from, length);
        try {
            if (forCpu) {
                mapping.syncForCpu(from, length, call.direction());
            } else {
                mapping.syncForDevice(from, length, call.direction());
            }
        } catch (DmaBufException e) {
            if (e.errno() != Errno.EINVAL) throw e;
            // A finding reports the wrong call. The kernel maintains the caches nevertheless, as far as there is
            // memory.
            mapping.obeySync(from, Math.min(length, stretch.owner().bytes() - from), call.direction(), forCpu);
        }
    }

    // ---- what the device asks

    /** The latest mapping that contains an address, or null. */
    synchronized @Nullable Stretch find(long address) {
        return addresses.find(address);
    }

    /** The beginning of the first range after an unmapped address, at most {@code end}. */
    synchronized long nextBegin(long address, long end) {
        return addresses.nextBegin(address, end);
    }

    /** How the latest mapping of an address ended, or null if none is remembered. */
    synchronized EndedRanges.@Nullable End ended(long address) {
        return ended.at(address);
    }

    // ---- the end

    /**
     * Its driver was unbound: remaining mappings are findings and are dropped, so that the next driver begins without
     * mappings.
     */
    public synchronized void unbound() {
        if (!told) return;
        for (KernelMapping mapping : mappings) {
            core.findings().add(Rule.D25_MAPPED_AT_DETACH, name(), mapping.name(), 0, mapping.bytes(),
                    mapping.isStreaming()
                            ? "mapped when its driver was unbound: the unmap is missing"
                            : "allocated when its driver was unbound: it was not freed");
        }
        letGo("left by its driver, which was unbound");
        fromTheBeginning = true;
    }

    /**
     * The driver has ended with its machine, for example by a reset: its mappings are dropped without transfers and
     * findings.
     */
    synchronized void forget() {
        letGo("forgotten");
        ended.clear();
        told = false;
        fromTheBeginning = false;
    }

    private void letGo(String how) {
        for (KernelMapping mapping : Set.copyOf(mappings)) {
            DeviceMapping live = mapping.mapping();
            try {
                if (live != null && live.isLive()) live.discard();
            } catch (DmaBufException e) {
                throw new IllegalStateException("a mapping of " + name() + " has ended by itself", e);
            } finally {
                if (live == null) coherent.remove(mapping.memory());
                remove(mapping, EndedRanges.End.of(how));
            }
        }
    }

    @Override
    public void close() {
        forget();
    }
}
