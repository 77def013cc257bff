package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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
import sluice.dmacore.memory.BusRanges;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DeviceSpace;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.device.DeviceEnvironment;

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
        if (errno != 0) {
            for (int i = 0; i < next.length; i++) {
                if (next[i] != null && !next[i].equals(buffer.memory(i))) next[i].release();
            }
            return errno;
        }
        for (int i = 0; i < next.length; i++) {
            Struct.Plane plane = new Struct.Plane(given.in(), given.planes() + i * Struct.Plane.BYTES);
            buffer.setMemory(i, next[i]);
            buffer.setLength(i, plane.length());
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
            ranges.begin(list);
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
                UserMemory made = new UserMemory(this, list, length, output, mapping,
                        translation().memory().number());
                mapped.add(made);
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
        try {
            memory.mapping().unmap(UserMemory.direction(memory.isOutput()),
                    EnumSet.of(DmaAttribute.CPU_KEEPS, DmaAttribute.SKIP_CPU_SYNC));
        } catch (DmaBufException e) {
            throw new IllegalStateException("a buffer was unmapped elsewhere", e);
        }
        discard(memory.mapping().attachment().buffer());
    }

    /** The guest's IOMMU unmaps a range: a job that uses it fails, and QBUF maps it anew. */
    void invalidated(AddressRange range) {
        forget();
        for (UserMemory one : List.copyOf(mapped)) {
            if (one.overlaps(range)) one.release();
        }
    }

    // ---- on workers

    boolean read(DeviceMapping mapping, long offset, MemorySegment target, long at, long length) {
        return mapping.isLive() && views.get().read(mapping, offset, target, at, length) == Outcome.RESOLVED;
    }

    boolean write(DeviceMapping mapping, long offset, MemorySegment source, long at, long length) {
        return mapping.isLive() && views.get().write(mapping, offset, source, at, length) == Outcome.RESOLVED;
    }
}
