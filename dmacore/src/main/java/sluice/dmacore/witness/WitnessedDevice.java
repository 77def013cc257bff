package sluice.dmacore.witness;

import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
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
    private final @Nullable DmaMappedSpace space;
    private final DeviceFunction function;
    /** By address; guarded by this, as is all below. */
    private final NavigableMap<Long, Stretch> stretches = new TreeMap<>();
    private final Set<KernelMapping> mappings = new HashSet<>();
    /** The last ranges that ended, for one who uses them all the same. */
    private final EndedRanges ended = new EndedRanges();
    private long longest;
    private boolean told;
    private boolean fromTheBeginning;
    private long untracked;

    /** @param space to which its addresses belong, or null for guest physical ones */
    WitnessedDevice(DmaCore core, String name, Stream stream, Share share, CoherentMemory coherent,
            @Nullable DmaMappedSpace space) {
        this.space = space;
        this.core = core;
        this.stream = stream;
        this.share = share;
        this.coherent = coherent;
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
     * @param addresses for the device, one for each entry
     * @param lengths in bytes, each more than 0
     * @param memory behind all entries, in their order
     * @throws DmaBufException the core does not take it: the device reaches it, and nothing is found about it
     */
    public synchronized void map(KernelCall call, long[] addresses, long[] lengths, Runs memory)
            throws DmaBufException {
        if (!take(memory.bytes())) return;
        boolean done = false;
        try {
            // What is coherent for the CPU needs no cache operation for anybody.
            Stream used = !stream.coherent() && coherent.contains(memory) ? Stream.COHERENT : stream;
            add(KernelMapping.of(core, call.name(), function, used, share, addresses, lengths, memory, call.direction(),
                    call.attributes()));
            done = true;
        } finally {
            if (!done) {
                giveBack(memory.bytes());
                untracked++;
                // It is mapped all the same, and using it is no mistake of the device's.
                mapElsewhere(addresses, lengths);
            }
        }
    }

    /** A list was mapped that leads to no memory of ours, such as a BAR: it is known, and moves as the front-end has it. */
    public synchronized void mapElsewhere(long[] addresses, long[] lengths) {
        for (int entry = 0; entry < addresses.length; entry++) {
            if (take(0)) add(KernelMapping.coherent(addresses[entry], lengths[entry], new Runs()));
        }
    }

    /** Memory was allocated for the device and the CPU, which see the same of it. */
    public synchronized void allocated(long address, long length, Runs memory) {
        coherent.add(memory);
        if (take(0)) add(KernelMapping.coherent(address, length, memory));
    }

    /** That ended; what is not known is memory that was allocated before anything was told. */
    public synchronized void freed(long address) {
        for (Stretch at = stretches.get(address); at != null; at = at.below) {
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
        return false;
    }

    private void giveBack(long bytes) {
        share.giveBack(Resource.HEAP, MAPPING_BYTES);
        if (!stream.coherent()) share.giveBack(Resource.HOST_MEMORY, bytes);
    }

    private void add(KernelMapping mapping) {
        mappings.add(mapping);
        long from = 0;
        for (int entry = 0; entry < mapping.entries(); entry++) {
            Stretch stretch = new Stretch(mapping, mapping.address(entry), mapping.length(entry), from);
            stretch.below = stretches.put(stretch.address(), stretch);
            longest = Math.max(longest, mapping.length(entry));
            from += mapping.length(entry);
        }
    }

    /**
     * A list was unmapped: it belongs to the CPU. The call comes before the kernel's own work, so that a bounce buffer is copied
     * back from what the device has written.
     *
     * @param address of its first entry
     * @param length of the first entry
     */
    public synchronized void unmap(KernelCall call, long address, long length) throws DmaBufException {
        KernelMapping found = mapped(address, length, call);
        if (found == null) {
            notMapped(Rule.D2_UNMAP_NOT_MAPPED, call, address, length);
            return;
        }
        DeviceMapping mapping = found.mapping();
        try {
            if (mapping != null) mapping.unmap(call.direction(), call.attributes());
        } finally {
            remove(found, "unmapped by " + call.name());
        }
    }

    /** The mapping that is meant: the last that was made with this address, length and direction, or else one with this address. */
    private @Nullable KernelMapping mapped(long address, long length, KernelCall call) {
        KernelMapping second = null;
        for (Stretch at = stretches.get(address); at != null; at = at.below) {
            KernelMapping owner = at.owner();
            DeviceMapping mapping = owner.mapping();
            if (mapping == null || owner.address(0) != address) continue;
            if (owner.length(0) == length && mapping.direction() == call.direction()) return owner;
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
        for (int entry = 0; entry < mapping.entries(); entry++) {
            long address = mapping.address(entry);
            ended.add(address, mapping.length(entry), how);
            Stretch above = null;
            for (Stretch at = stretches.get(address); at != null; at = at.below) {
                if (at.owner() == mapping) {
                    take(address, above, at);
                    break;
                }
                above = at;
            }
        }
        mappings.remove(mapping);
        mapping.letGo();
        giveBack(mapping.mapping() == null ? 0 : mapping.bytes());
    }

    private void take(long address, @Nullable Stretch above, Stretch gone) {
        if (above != null) {
            above.below = gone.below;
        } else if (gone.below != null) {
            stretches.put(address, gone.below);
        } else {
            stretches.remove(address);
        }
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
        Stretch stretch = find(address, call);
        if (stretch == null) {
            notMapped(Rule.D19_SYNC_NOT_MAPPED, call, address, length);
            return;
        }
        DeviceMapping mapping = stretch.owner().mapping();
        if (mapping == null) return; // coherent memory: there is nothing to do, and it does no harm
        long from = stretch.position(address);
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
        for (Map.Entry<Long, Stretch> before = stretches.floorEntry(address); before != null; before = stretches
                .lowerEntry(before.getKey())) {
            for (Stretch at = before.getValue(); at != null; at = at.below) {
                if (address < at.end()) return at;
            }
            if (before.getKey() + longest <= address) return null;
        }
        return null;
    }

    /** Where the first range begins behind an address where there is none; {@code end} if that is before. */
    synchronized long nextBegin(long address, long end) {
        Map.Entry<Long, Stretch> next = stretches.higherEntry(address);
        return next == null ? end : Math.min(end, next.getKey());
    }

    /** How what was at an address has ended, or null if nothing was that is remembered. */
    synchronized @Nullable String ended(long address) {
        return ended.at(address);
    }

    // ---- the end

    /** The driver is gone with its mappings, as when its machine is reset: nothing is transferred and nothing found. */
    synchronized void forget() {
        for (KernelMapping mapping : Set.copyOf(mappings)) {
            DeviceMapping live = mapping.mapping();
            try {
                if (live != null && live.isLive()) live.discard();
            } catch (DmaBufException e) {
                throw new IllegalStateException("a mapping of " + name() + " has ended by itself", e);
            } finally {
                if (live == null) coherent.remove(mapping.memory());
                remove(mapping, "forgotten");
            }
        }
        ended.clear();
        longest = 0;
        told = false;
        fromTheBeginning = false;
    }

    @Override
    public void close() {
        forget();
    }
}
