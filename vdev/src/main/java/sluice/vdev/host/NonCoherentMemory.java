package sluice.vdev.host;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.Outcome;
import sluice.vdev.io.PeerLog;

/**
 * Guest memory as a non-coherent function sees it. Each DMA_MAP of a file is a buffer of the core: the map transfers it
 * to the function, the unmap back to the CPU, which sees the function's writes only then. Used on the function's loop.
 *
 * <p>Without an active IOMMU a VM maps all of its memory once. Then no transfer is visible, and a write of the CPU
 * would never reach the function: while a range of at least {@link #WHOLE_BYTES} is mapped there are no buffers, and
 * the function's accesses are refused.
 */
final class NonCoherentMemory implements AutoCloseable {
    /**
     * Size of a mapping, in bytes, from which it is taken for the whole memory of a machine instead of a driver's
     * buffer.
     */
    static final long WHOLE_BYTES = 64L << 20;

    /** Limit of buffers at a time, 2 KiB of memory each, for a guest that never unmaps. */
    static final int MOST_BUFFERS = 32_768;

    private static final Logger LOG = LoggerFactory.getLogger(NonCoherentMemory.class);

    private final PeerLog log = new PeerLog(LOG);

    /** A mapped range. */
    private record Mapped(long address, DmaBuf buffer, Attachment attachment, DeviceMapping mapping) {
        long end() {
            return address + buffer.size();
        }
    }

    /** Heap bytes of a buffer with its attachment and its mapping. */
    private static final long BUFFER_BYTES = 2048;

    private final DmaCore core;
    private final Share share;
    private final DeviceFunction function;
    private final DeviceView view;
    private final NavigableMap<Long, Mapped> buffers = new TreeMap<>();
    /** Addresses and lengths of mappings taken for whole machines. */
    private final NavigableMap<Long, Long> whole = new TreeMap<>();
    private boolean refusalTold;
    private boolean limitTold;

    /** To be called on the function's loop. */
    NonCoherentMemory(DmaCore core, DeviceFunction function, Share share) {
        this.core = core;
        this.share = share;
        this.function = function;
        view = DeviceView.open(function);
    }

    /** A range was mapped: transfers it to the function. If that fails, the function's later accesses are refused. */
    void mapped(long address, long length, FileMapping file, long offset, Permission permission) {
        if (length >= WHOLE_BYTES) {
            whole.put(address, length);
            // Smaller ranges of the same machine came before; no driver has mapped them, and the CPU continues to use
            // them.
            takeAll().forEach(this::discard);
            return;
        }
        if (!whole.isEmpty() || isFull() || !take(length)) return;
        boolean done = false;
        try {
            buffers.put(address, transferred(address, length, file, offset, direction(permission)));
            done = true;
        } catch (DmaBufException e) {
            // The map itself succeeds, because a front-end may end its VM if one is refused.
            log.error("{}: the {} bytes at 0x{} cannot be transferred to it, and it will be refused them: {}",
                    function.name(), length, Long.toHexString(address), e.getMessage());
        } finally {
            if (!done) giveBack(length);
        }
    }

    /** Charges heap for one more buffer and host memory for its shadow; a refusal is logged once. */
    private boolean take(long length) {
        if (!share.takeOrTell(Resource.HEAP, BUFFER_BYTES)) return false;
        if (share.takeOrTell(Resource.HOST_MEMORY, length)) return true;
        share.giveBack(Resource.HEAP, BUFFER_BYTES);
        return false;
    }

    private void giveBack(long length) {
        share.giveBack(Resource.HEAP, BUFFER_BYTES);
        share.giveBack(Resource.HOST_MEMORY, length);
    }

    /** Whether the limit of buffers is reached; further mappings are not transferred. */
    private boolean isFull() {
        if (buffers.size() < MOST_BUFFERS) return false;
        if (!limitTold) {
            limitTold = true;
            log.error(
                    "{}: {} buffers are mapped, which is the limit of --coherency=non-coherent: it is refused those that come now",
                    function.name(), MOST_BUFFERS);
        }
        return true;
    }

    private Mapped transferred(long address, long length, FileMapping file, long offset, Direction direction)
            throws DmaBufException {
        Runs pages = new Runs(1);
        pages.add(file, offset, length);
        DmaBuf buffer = core.export("0x" + Long.toHexString(address), length, new GuestPages(pages), share);
        boolean done = false;
        try {
            Attachment attachment = buffer.attach(function, Stream.NON_COHERENT);
            try {
                DeviceMapping mapping = attachment.map(direction);
                // The guest decides when this happens.
                mapping.noteUsed();
                done = true;
                return new Mapped(address, buffer, attachment, mapping);
            } finally {
                if (!done) attachment.detach();
            }
        } finally {
            if (!done) buffer.release();
        }
    }

    private static Direction direction(Permission permission) {
        return switch (permission) {
            case READ_ONLY -> Direction.TO_DEVICE;
            case WRITE_ONLY -> Direction.FROM_DEVICE;
            case READ_WRITE -> Direction.BIDIRECTIONAL;
        };
    }

    /** A range was unmapped: transfers it to the CPU. */
    void unmapped(AddressRange range) {
        if (range.first() < 0) return; // more than any bus has
        long last = range.last() < 0 ? Long.MAX_VALUE : range.last();
        whole.subMap(range.first(), true, last, true).clear();
        NavigableMap<Long, Mapped> ended = buffers.subMap(range.first(), true, last, true);
        for (Mapped mapped : ended.values()) {
            try {
                mapped.mapping().unmap();
            } catch (DmaBufException e) {
                throw new IllegalStateException("a mapping of the front-end's has ended by itself", e);
            } finally {
                letGo(mapped);
            }
        }
        ended.clear();
    }

    private void letGo(Mapped mapped) {
        mapped.attachment().detach();
        mapped.buffer().release();
        giveBack(mapped.buffer().size());
    }

    private void discard(Mapped mapped) {
        try {
            mapped.mapping().discard();
        } catch (DmaBufException e) {
            throw new IllegalStateException("a mapping of the front-end's has ended by itself", e);
        } finally {
            letGo(mapped);
        }
    }

    private List<Mapped> takeAll() {
        List<Mapped> all = new ArrayList<>(buffers.values());
        buffers.clear();
        return all;
    }

    // ---- what the function does

    /** Whether all of a range was transferred to the function. If not, the reason is logged once. */
    boolean isTransferred(long address, long length) {
        long at = address;
        while (at < address + length) {
            Mapped mapped = at(at);
            if (mapped == null) {
                tellRefusal(at);
                return false;
            }
            at = mapped.end();
        }
        return true;
    }

    private @Nullable Mapped at(long address) {
        Map.Entry<Long, Mapped> before = buffers.floorEntry(address);
        return before == null || address >= before.getValue().end() ? null : before.getValue();
    }

    private void tellRefusal(long address) {
        if (refusalTold) return;
        refusalTold = true;
        if (whole.isEmpty()) {
            log.error("{}: DMA at 0x{} is refused: that range was mapped and never transferred", function.name(),
                    Long.toHexString(address));
            return;
        }
        Map.Entry<Long, Long> first = whole.firstEntry();
        log.error(
                """
                        {}: its DMA is refused, because --coherency=non-coherent needs a VM whose guest maps each buffer for it, and here \
                        {} MiB at 0x{} are mapped at once, so that no transfer can be seen: give the VM an IOMMU that the guest uses \
                        (-device intel-iommu,caching-mode=on, and intel_iommu=on without iommu=pt for a Linux guest), or use \
                        --coherency=coherent""",
                function.name(), first.getValue() >> 20,
                Long.toHexString(first.getKey()));
    }

    /** Copies between transferred memory and {@code local}. */
    Outcome move(Access access, long address, MemorySegment local, long localOffset, long length) {
        Objects.checkFromIndexSize(localOffset, length, local.byteSize());
        long done = 0;
        while (done < length) {
            Mapped mapped = Objects.requireNonNull(at(address + done), "it was transferred");
            long from = address + done - mapped.address();
            long piece = Math.min(length - done, mapped.buffer().size() - from);
            Outcome outcome = access == Access.READ
                    ? view.read(mapped.mapping(), from, local, localOffset + done, piece)
                    : view.write(mapped.mapping(), from, local, localOffset + done, piece);
            if (outcome != Outcome.RESOLVED) return outcome;
            done += piece;
        }
        return Outcome.RESOLVED;
    }

    /** The front-end has disconnected: no range is transferred any more. */
    @Override
    public void close() {
        takeAll().forEach(this::discard);
        whole.clear();
        view.close();
    }
}
