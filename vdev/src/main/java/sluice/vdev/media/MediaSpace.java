package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.BusList;
import sluice.dmacore.memory.BusRanges;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DeviceSpace;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.Counter;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.queue.Polled;

/**
 * The codec as an importer of guest memory: the pages of each plane of a USERPTR buffer are a dma-buf, to which it is
 * attached, mapped in an address space of its own. Lists name bus addresses if ACCESS_PLATFORM was negotiated, and
 * otherwise guest addresses. Workers read and write through views of their own; all else is on the device's loop.
 */
final class MediaSpace implements GuestBuffers {
    private static final Logger LOG = LoggerFactory.getLogger(MediaSpace.class);
    private static final AddressRange APERTURE = AddressRange.of(0, 1L << 32);
    private static final int MAX_MAPPINGS = 1 << 16;
    private static final int FAULTS_TOLD = 16;

    private final String name;
    private final DmaCore core;
    private final Share share;
    private final Stream stream;
    private final DeviceSpace space;
    private final DeviceFunction function;
    private final ThreadLocal<DeviceView> views;
    private final BusRanges ranges = new BusRanges();
    private final Result result = new Result();
    /** All memory that is mapped. */
    private final Set<UserMemory> mapped = new LinkedHashSet<>();
    private final Counter pages = new Counter();
    private final Counter objects = new Counter();
    private int refusals;
    private @Nullable FrontTranslation translation;
    /** The list being translated. */
    private long @Nullable [] resolving;

    MediaSpace(DeviceEnvironment environment) {
        name = environment.name();
        core = environment.core();
        share = environment.share();
        stream = environment.stream();
        DeviceDmaParams params = environment.dmaParams(DeviceDmaParams.throughIommu());
        AddressRange aperture = params.dmaMask() < 0
                ? APERTURE
                : APERTURE.intersection(new AddressRange(0, params.dmaMask()));
        space = DeviceSpace.open(IoSpaceOptions.of(name, aperture).withFaultPolicy(environment.onFault())
                .withMaxMappings(MAX_MAPPINGS).withFaultLog(IoSpaceOptions.DEFAULT_FAULTS, this::tell));
        function = DeviceFunction.of(name, params, space);
        views = ThreadLocal.withInitial(() -> DeviceView.open(function));
        environment.reachesThrough(space.table());
        environment.report().counter("imported.pages", "planes", "Planes of buffers mapped as pages of the guest.",
                pages);
        environment.report().counter("imported.objects", "planes",
                "Planes of buffers mapped as objects of other devices, by their UUIDs.", objects);
    }

    /** A guest can cause faults without limit, but not log lines. */
    private void tell(FaultRecord fault) {
        if (fault.sequence() <= FAULTS_TOLD) LOG.warn("{}", fault);
        else LOG.debug("{}", fault);
        core.trace(name).faulted(fault.iova(), fault.length());
    }

    void setMemory(FrontTranslation next) {
        translation = next;
    }

    private FrontTranslation translation() {
        FrontTranslation present = translation;
        if (present == null) throw new IllegalStateException("a buffer before the device was started");
        return present;
    }

    /** Number of planes that are mapped. */
    int count() {
        return mapped.size();
    }

    // ---- QBUF

    @Override
    public int take(MediaBuffer buffer, Struct.Buffer given) {
        return buffer.memoryType() == V4l2.MEMORY_DMABUF ? takeObjects(buffer, given) : takePages(buffer, given);
    }

    private static UUID name(Struct.Buffer given, int plane) {
        int at = given.planes() + given.length() * Struct.Plane.BYTES + plane * Struct.UUID_BYTES;
        return new UUID(Long.reverseBytes(given.in().u64(at)), Long.reverseBytes(given.in().u64(at + Long.BYTES)));
    }

    @Override
    public long objectBytes(Struct.Buffer given, int plane) {
        DmaBuf found = core.exported().find(name(given, plane));
        return found == null ? -1 : found.size();
    }

    private int takeObjects(MediaBuffer buffer, Struct.Buffer given) {
        UserMemory[] next = new UserMemory[buffer.planes()];
        int errno = 0;
        for (int i = 0; i < next.length && errno == 0; i++) errno = takeObject(buffer, i, name(given, i), next);
        return adopt(buffer, given, next, errno);
    }

    private int takeObject(MediaBuffer buffer, int plane, UUID name, UserMemory[] next) {
        DmaBuf found = core.exported().find(name);
        if (found == null) return Errno.EINVAL;
        boolean output = buffer.isOutput();
        if (buffer.memory(plane) instanceof UserMemory present && present.isOf(name, found, found.size(), output)) {
            next[plane] = present;
            return 0;
        }
        if (!share.takeOrTell(Resource.HEAP, UserMemory.heapBytes(0))) return Errno.ENOMEM;
        boolean done = false;
        try {
            Direction direction = UserMemory.direction(output);
            Attachment attachment = found.attach(function, stream, direction);
            try {
                DeviceMapping mapping = attachment.map(direction, EnumSet.of(DmaAttribute.CPU_KEEPS));
                UserMemory made = new UserMemory(this, new long[0], name, found.size(), output, mapping, 0);
                mapped.add(made);
                objects.increment();
                next[plane] = made;
                done = true;
            } finally {
                if (!done) attachment.detach();
            }
            return 0;
        } catch (DmaBufException e) {
            if (refusals++ < FAULTS_TOLD) LOG.warn("{}: an object cannot be a buffer: {}", this.name, e.getMessage());
            return e.errno();
        } finally {
            if (!done) share.giveBack(Resource.HEAP, UserMemory.heapBytes(0));
        }
    }

    @Override
    public int export(ArenaMemory plane, Struct.ExportBuffer request) {
        Export made = plane.export();
        if (made == null) {
            try {
                made = exported(plane);
            } catch (DmaBufException e) {
                LOG.debug("{}: a buffer cannot be exported: {}", name, e.getMessage());
                return e.errno();
            }
            plane.setExport(made);
        }
        request.setName(made.name());
        return 0;
    }

    /** A buffer of the core over a range of the arena, which lives as long as a device uses it. */
    private Export exported(ArenaMemory plane) throws DmaBufException {
        FrameArena.Range range = plane.range();
        Runs runs = new Runs(1);
        runs.add(range.file(), range.fileOffset(), range.length());
        range.retain();
        DmaBuf buffer = null;
        boolean done = false;
        try {
            buffer = core.export("frame", range.length(), new ArenaExporter(runs, range::releaseLater),
                    share);
            // It is the codec's own memory, which it reaches without a cache.
            DeviceMapping mapping = buffer.attach(function, Stream.COHERENT, Direction.BIDIRECTIONAL)
                    .map(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.CPU_KEEPS));
            UUID name = UUID.randomUUID();
            if (!core.exported().add(name, buffer))
                throw new DmaBufException(Errno.ENOSPC, "the machine has too many exported objects");
            done = true;
            return new Export(name, mapping, core, this);
        } finally {
            if (!done && buffer == null) range.release();
            if (!done && buffer != null) discard(buffer);
        }
    }

    private int takePages(MediaBuffer buffer, Struct.Buffer given) {
        int at = given.planes() + given.length() * Struct.Plane.BYTES;
        UserMemory[] next = new UserMemory[buffer.planes()];
        int errno = 0;
        for (int i = 0; i < next.length && errno == 0; i++) {
            Struct.Plane plane = new Struct.Plane(given.in(), given.planes() + i * Struct.Plane.BYTES);
            int entries = entries(given.in(), at, plane.length());
            if (entries < 0) {
                errno = Errno.EINVAL;
                break;
            }
            long[] list = list(given.in(), at, entries, plane.length());
            at += entries * Struct.ENTRY_BYTES;
            errno = take(buffer, i, list, plane.length(), next);
        }
        return adopt(buffer, given, next, errno);
    }

    /** Makes these the planes of a buffer, unless there was an error. */
    private static int adopt(MediaBuffer buffer, Struct.Buffer given, @Nullable UserMemory[] next, int errno) {
        if (errno != 0) {
            for (int i = 0; i < next.length; i++) {
                if (next[i] != null && !next[i].equals(buffer.memory(i))) next[i].release();
            }
            return errno;
        }
        for (int i = 0; i < next.length; i++) {
            Struct.Plane plane = new Struct.Plane(given.in(), given.planes() + i * Struct.Plane.BYTES);
            buffer.setMemory(i, next[i]);
            buffer.setLength(i, plane.length() == 0 && next[i] != null ? next[i].length() : plane.length());
            buffer.setPointer(i, plane.pointer());
        }
        return 0;
    }

    private int take(MediaBuffer buffer, int plane, long[] list, long length, UserMemory[] next) {
        long table = translation().memory().number();
        if (buffer.memory(plane) instanceof UserMemory present && present.isOf(list, buffer.isOutput(), table)) {
            next[plane] = present;
            return 0;
        }
        return map(list, length, buffer.isOutput(), plane, next);
    }

    /** The number of entries that cover {@code length} bytes; −1 if they are not there. */
    private static int entries(Payload in, int at, long length) {
        long covered = 0;
        int count = 0;
        while (covered < length) {
            int entry = at + count * Struct.ENTRY_BYTES;
            if (entry > in.length() - Struct.ENTRY_BYTES) return -1;
            covered += in.u32AsLong(entry + 8);
            count++;
        }
        return length == 0 ? -1 : count;
    }

    /** The list as pairs of address and length, without empty entries, and cut to {@code length} bytes. */
    private static long[] list(Payload in, int at, int entries, long length) {
        long[] list = new long[2 * entries];
        int kept = 0;
        long left = length;
        for (int i = 0; i < entries; i++) {
            long bytes = Math.min(left, in.u32AsLong(at + i * Struct.ENTRY_BYTES + 8));
            if (bytes == 0) continue;
            list[kept] = in.u64(at + i * Struct.ENTRY_BYTES);
            list[kept + 1] = bytes;
            kept += 2;
            left -= bytes;
        }
        return kept == list.length ? list : Arrays.copyOf(list, kept);
    }

    private int map(long[] list, long length, boolean output, int plane, UserMemory[] next) {
        // After a miss the command comes again with the same list, and what was found is kept.
        if (!Arrays.equals(list, resolving)) {
            resolving = list;
            ranges.begin(BusList.of(list));
        }
        ranges.advance(translation(), output ? Access.READ : Access.WRITE, result);
        if (result.isMiss()) return BufferQueue.RETRY;
        try {
            if (!result.isResolved()) return Errno.EFAULT;
            long heap = UserMemory.heapBytes(list.length / 2);
            if (!share.takeOrTell(Resource.HEAP, heap)) return Errno.ENOMEM;
            boolean done = false;
            try {
                DeviceMapping mapping = imported(output);
                UserMemory made = new UserMemory(this, list, null, length, output, mapping,
                        translation().memory().number());
                mapped.add(made);
                pages.increment();
                next[plane] = made;
                done = true;
                return 0;
            } catch (DmaBufException e) {
                if (refusals++ < FAULTS_TOLD)
                    LOG.warn("{}: the pages of a buffer cannot be mapped: {}", name, e.getMessage());
                return e.errno();
            } finally {
                if (!done) share.giveBack(Resource.HEAP, heap);
            }
        } finally {
            forget();
        }
    }

    /** The translation that is missing where {@link #take} has said to try again. */
    Polled.Stalled lacked() {
        return new Polled.Stalled(result.address(), result.access());
    }

    private DeviceMapping imported(boolean output) throws DmaBufException {
        DmaBuf buffer = core.export(output ? "coded" : "picture", ranges.runs().bytes(),
                new GuestPages(ranges.runs()), share);
        boolean done = false;
        try {
            Direction direction = UserMemory.direction(output);
            DeviceMapping mapping = buffer.attach(function, stream, direction).map(direction,
                    EnumSet.of(DmaAttribute.CPU_KEEPS));
            done = true;
            return mapping;
        } finally {
            if (!done) discard(buffer);
        }
    }

    private static void discard(DmaBuf buffer) {
        for (Attachment attachment : buffer.attachments()) attachment.detach();
        buffer.release();
    }

    /** The command that waits for a translation is not carried out. */
    void forget() {
        resolving = null;
        ranges.end();
    }

    void unmap(UserMemory memory) {
        if (!mapped.remove(memory)) return;
        share.giveBack(Resource.HEAP, memory.heapBytes());
        // Its exporter may have taken it away.
        try {
            if (memory.mapping().isLive())
                memory.mapping().unmap(UserMemory.direction(memory.isOutput()),
                        EnumSet.of(DmaAttribute.CPU_KEEPS, DmaAttribute.SKIP_CPU_SYNC));
        } catch (DmaBufException e) {
            throw new IllegalStateException("a buffer was unmapped elsewhere", e);
        }
        if (memory.isObject()) memory.mapping().attachment().detach();
        else discard(memory.mapping().attachment().buffer());
    }

    /** The guest's IOMMU unmaps a range: a job that uses it fails, and QBUF maps it anew. */
    void invalidated(AddressRange range) {
        forget();
        for (UserMemory one : List.copyOf(mapped)) {
            if (one.overlaps(range)) one.release();
        }
    }

    // ---- on workers

    /** The pages of a mapping for native code, or null if that has to be given a copy. */
    @Nullable
    StitchedPages stitched(DeviceMapping mapping, long length) {
        // What a device that does not snoop sees is not memory of the guest.
        if (!mapping.attachment().stream().coherent()) return null;
        DeviceView view = views.get();
        Runs runs = new Runs();
        try (var _ = view.enter()) {
            if (view.observe(mapping, new Rows().set(0, length), runs) != Outcome.RESOLVED) return null;
            return StitchedPages.of(runs, share);
        }
    }

    /** Native code accesses from the beginning on, as the device would: that is judged; false if the memory is gone. */
    boolean accessed(DeviceMapping mapping, long bytes, Access how) {
        if (!mapping.isLive()) return false;
        DeviceView view = views.get();
        try (var _ = view.enter()) {
            return view.find(mapping, 0, bytes, how, new Runs()) == Outcome.RESOLVED;
        }
    }

    boolean read(DeviceMapping mapping, long offset, MemorySegment target, long at, long length) {
        return mapping.isLive() && views.get().read(mapping, offset, target, at, length) == Outcome.RESOLVED;
    }

    boolean write(DeviceMapping mapping, long offset, MemorySegment source, long at, long length) {
        return mapping.isLive() && views.get().write(mapping, offset, source, at, length) == Outcome.RESOLVED;
    }
}
