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
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.DmaMappedSpace;
import sluice.dmacore.space.DmaReader;

/**
 * A device of a guest, as its kernel's DMA API knows it: what is mapped for it, at which addresses. Calls are told on one thread,
 * in the kernel's order and before the kernel goes on; the device itself, if it is one of ours, looks up addresses on another
 * ({@link WitnessedView}).
 */
public final class WitnessedDevice implements AutoCloseable {
    /** Mappings of one device that are kept at a time; each takes {@link #MAPPING_BYTES}. */
    public static final int MOST_MAPPINGS = 32_768;
    private static final long MAPPING_BYTES = 2048;

    private final DmaCore core;
    private final Stream stream;
    private final Share share;
    private final CoherentMemory coherent;
    private final WritableMemory writable;
    private final @Nullable DmaMappedSpace space;
    private final DeviceFunction function;
    /** By address; guarded by this, as is all below. */
    private final Addresses addresses = new Addresses();
    private final Set<KernelMapping> mappings = new HashSet<>();
    /** The last ranges that ended, for one who uses them all the same. */
    private final EndedRanges ended = new EndedRanges();
    private boolean told;
    private boolean fromTheBeginning;
    private long untracked;

    /** @param space to which its addresses belong, or null for guest physical ones */
    WitnessedDevice(DmaCore core, String name, Stream stream, Share share, CoherentMemory coherent,
            WritableMemory writable, @Nullable DmaMappedSpace space) {
        this.space = space;
        this.core = core;
        this.stream = stream;
        this.share = share;
        this.coherent = coherent;
        this.writable = writable;
        // Whoever has chosen the addresses, it was not the core.
        function = core.function(name, DeviceDmaParams.throughIommu().withTranslated(false).withDmaMask(-1));
    }

    /** Its name in findings. */
    public String name() {
        return function.name();
    }

    /** Whether it snoops. */
    public Stream stream() {
        return stream;
    }

    /** Looks up its addresses, for the calling thread; null if they are guest physical ones. */
    public @Nullable DmaReader openReader() {
        return space == null ? null : space.openReader();
    }

    DeviceFunction function() {
        return function;
    }

    DmaCore core() {
        return core;
    }

    /**
     * The kernel's calls for it are told from now on.
     *
     * @param all whether no driver had it before, so that what is not told is not mapped
     */
    synchronized void greet(boolean all) {
        told = true;
        fromTheBeginning = all;
    }

    /** Whether calls for it are told. */
    public synchronized boolean isTold() {
        return told;
    }

    /** Whether each of its mappings was told. */
    synchronized boolean isToldFromTheBeginning() {
        return fromTheBeginning;
    }

    /** Mappings that were not kept, because there were too many: what is found of this device from then on is not the whole. */
    public synchronized long untracked() {
        return untracked;
    }

    /** Mappings that are kept now. */
    public synchronized int live() {
        return mappings.size();
    }

    // ---- the kernel's calls

    /**
     * A list was mapped: it belongs to the device.
     *
     * @param begins addresses for the device, one for each entry
     * @param lengths in bytes, each more than 0
     * @param memory behind all entries, in their order
     * @throws DmaBufException the core does not take it: the device reaches it, and nothing is found about it
     */
    public synchronized void map(KernelCall call, long[] begins, long[] lengths, Runs memory)
            throws DmaBufException {
        Findings.at(call.name(), () -> track(call, begins, lengths, memory));
    }

    private void track(KernelCall call, long[] begins, long[] lengths, Runs memory) throws DmaBufException {
        if (!take(memory.bytes())) return;
        boolean done = false;
        try {
            // What is coherent for the CPU needs no cache operation for anybody.
            Stream used = !stream.coherent() && coherent.contains(memory) ? Stream.COHERENT : stream;
            KernelMapping made = KernelMapping.of(core, call, function, used, stream.coherent(), share, begins,
                    lengths, memory);
            done = true;
            if (made.isWritable()) checkWriters(call, made);
            add(made);
        } finally {
            if (!done) {
                giveBack(memory.bytes());
                untracked++;
                // It is mapped all the same, and using it is no mistake of the device's.
                mapElsewhere(call, begins, lengths);
            }
        }
    }

    /** A list was mapped that leads to no memory of ours, such as a BAR: it is known, and moves as the front-end has it. */
    public synchronized void mapElsewhere(KernelCall call, long[] begins, long[] lengths) {
        if (take(0)) add(KernelMapping.elsewhere(call.name(), begins, lengths));
    }

    /** The core tells of other devices; this is about the device's own other mappings. */
    private void checkWriters(KernelCall call, KernelMapping made) {
        KernelMapping other = writable.sharing(made.memory(), device -> device == this);
        if (other != null && !call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC))
            found(Rule.D17_OVERLAPPING_WRITES, made, 0, made.bytes(), "it shares lines with " + other.name());
        writable.add(this, made);
    }

    private void found(Rule rule, KernelMapping mapping, long from, long length, String what) {
        core.findings().add(rule, name(), mapping.name(), from, length, what);
    }

    /** Memory was allocated for the device and the CPU, which see the same of it. */
    public synchronized void allocated(long address, long length, Runs memory) {
        coherent.add(memory);
        if (take(0)) add(KernelMapping.coherent(address, length, memory));
    }

    /** That ended; what is not known is memory that was allocated before anything was told. */
    public synchronized void freed(long address) {
        for (Stretch at = addresses.beginning(address); at != null; at = at.below) {
            KernelMapping owner = at.owner();
            if (owner.mapping() != null || owner.address(0) != address) continue;
            coherent.remove(owner.memory());
            remove(owner, "freed");
            return;
        }
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
     * A list was unmapped: it belongs to the CPU. The call comes before the kernel's own work, so that a bounce buffer is copied
     * back from what the device has written.
     *
     * @param address of its first entry
     * @param length of the first entry
     * @param bytes of all entries
     */
    public synchronized void unmap(KernelCall call, long address, long length, long bytes) throws DmaBufException {
        Findings.at(call.name(), () -> end(call, address, length, bytes));
    }

    private void end(KernelCall call, long address, long length, long bytes) throws DmaBufException {
        KernelMapping found = mapped(address, length, bytes, call);
        if (found == null) {
            notMapped(Rule.D2_UNMAP_NOT_MAPPED, call, address, length);
            return;
        }
        try {
            end(call, found, bytes);
        } finally {
            remove(found, "unmapped by " + call.name());
        }
    }

    private void end(KernelCall call, KernelMapping found, long bytes) throws DmaBufException {
        DeviceMapping mapping = found.mapping();
        if (mapping == null) return;
        taken(found, call);
        boolean skip = call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC);
        long unfetched = skip ? found.firstUnfetched(0, found.bytes()) : -1;
        // Whoever has it mapped besides, as /dev/udmabuf, is the one to fetch it.
        if (unfetched >= 0 && writable.sharing(found.memory(), device -> device != this) == null)
            found(Rule.NEVER_FETCHED, found, unfetched, found.bytes() - unfetched,
                    "what the device wrote was not taken back: SKIP_CPU_SYNC is wrong, if the CPU has read it");
        if (bytes == found.bytes() || !call.endsAll()) {
            mapping.unmap(call.direction(), call.attributes());
            return;
        }
        found(Rule.D3_UNMAP_SIZE, found, 0, bytes, "%d bytes unmapped, and %d mapped".formatted(bytes, found.bytes()));
        // As a kernel does it: the rest is forgotten, and stays as it was.
        if (!skip) mapping.obeySync(0, Math.min(bytes, found.bytes()), call.direction(), true);
        mapping.discard();
    }

    /** The CPU takes what the device has written, or leaves it. */
    private void taken(KernelMapping mapping, KernelCall call) {
        long written = mapping.takeWritten();
        if (mapping.isBounced() && written > 0 && call.attributes().contains(DmaAttribute.SKIP_CPU_SYNC)) {
            found(Rule.BOUNCE_NOT_COPIED_BACK, mapping, 0, mapping.bytes(),
                    "written by the device and left in the bounce buffer, for the call was told DMA_ATTR_SKIP_CPU_SYNC");
        }
        long times = written / Math.max(1, mapping.bytes());
        if (times > 1) {
            found(Rule.NEVER_FETCHED, mapping, 0, mapping.bytes(),
                    "filled %d times by the device, and not fetched between: a sync for the CPU is missing, if it has read it"
                            .formatted(times));
        }
    }

    /** The mapping that is meant: the last that was made with this address, size and direction, or else one with this address. */
    private @Nullable KernelMapping mapped(long address, long length, long bytes, KernelCall call) {
        KernelMapping second = null;
        for (Stretch at = addresses.beginning(address); at != null; at = at.below) {
            KernelMapping owner = at.owner();
            DeviceMapping mapping = owner.mapping();
            if (!owner.isStreaming() || owner.address(0) != address) continue;
            boolean exact = mapping == null
                    ? owner.length(0) == length
                    : owner.bytes() == bytes && mapping.direction() == call.direction();
            if (exact) return owner;
            if (second == null) second = owner;
        }
        return second;
    }

    private void notMapped(Rule rule, KernelCall call, long address, long length) {
        if (!fromTheBeginning) return;
        String what = ended.at(address) == null
                ? "%s of 0x%x, where nothing is mapped".formatted(call.name(), address)
                : "%s of 0x%x, which was %s before".formatted(call.name(), address, ended.at(address));
        core.findings().add(rule, name(), "0x" + Long.toHexString(address), 0, length, what);
    }

    private void remove(KernelMapping mapping, String how) {
        for (int entry = 0; entry < mapping.entries(); entry++)
            ended.add(mapping.address(entry), mapping.length(entry), how);
        addresses.remove(mapping);
        mappings.remove(mapping);
        if (mapping.isWritable()) writable.remove(mapping);
        mapping.letGo();
        giveBack(mapping.mapping() == null ? 0 : mapping.bytes());
    }

    /** A part of what is mapped goes to the device, with what the CPU has written. */
    public void syncForDevice(KernelCall call, long address, long length) throws DmaBufException {
        sync(call, address, length, false);
    }

    /** A part of what is mapped comes back to the CPU, with what the device has written. */
    public void syncForCpu(KernelCall call, long address, long length) throws DmaBufException {
        sync(call, address, length, true);
    }

    private synchronized void sync(KernelCall call, long address, long length, boolean forCpu) throws DmaBufException {
        Findings.at(call.name(), () -> transfer(call, address, length, forCpu));
    }

    private void transfer(KernelCall call, long address, long length, boolean forCpu) throws DmaBufException {
        Stretch stretch = find(address, call);
        if (stretch == null) {
            notMapped(Rule.D19_SYNC_NOT_MAPPED, call, address, length);
            return;
        }
        DeviceMapping mapping = stretch.owner().mapping();
        if (mapping == null) return; // coherent memory: there is nothing to do, and it does no harm
        long from = stretch.position(address);
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
            // A finding says what is wrong with the call. The kernel maintains the caches all the same, as far as there is memory.
            mapping.obeySync(from, Math.min(length, stretch.owner().bytes() - from), call.direction(), forCpu);
        }
    }

    private @Nullable Stretch find(long address, KernelCall call) {
        Stretch first = find(address);
        for (Stretch at = first; at != null; at = at.below) {
            DeviceMapping mapping = at.owner().mapping();
            if (address < at.end() && mapping != null && mapping.direction().covers(call.direction())) return at;
        }
        return first;
    }

    // ---- what the device asks

    /** What was mapped last at an address, or null. */
    synchronized @Nullable Stretch find(long address) {
        return addresses.find(address);
    }

    /** Where the first range begins behind an address where there is none; {@code end} if that is before. */
    synchronized long nextBegin(long address, long end) {
        return addresses.nextBegin(address, end);
    }

    /** How what was at an address has ended, or null if nothing was that is remembered. */
    synchronized @Nullable String ended(long address) {
        return ended.at(address);
    }

    // ---- the end

    /** Its driver has gone; what it has left mapped is found, and let go: the next one begins with nothing. */
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

    /** The driver is gone with its mappings, as when its machine is reset: nothing is transferred and nothing found. */
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
                remove(mapping, how);
            }
        }
    }

    @Override
    public void close() {
        forget();
    }
}
