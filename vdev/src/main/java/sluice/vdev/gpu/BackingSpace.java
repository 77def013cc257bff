package sluice.vdev.gpu;

import java.util.EnumSet;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.BusRanges;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DeviceSpace;
import sluice.dmacore.trace.DeviceTrace;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.witness.Witness;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * The GPU as an importer: the pages of each resource are a dma-buf, to which the GPU is attached, mapped read-only in
 * the GPU's own address space. The GPU reads them only there, and only while it owns them.
 */
final class BackingSpace {
    /** The limit of a flat table: 64 screens of 4K. */
    private static final AddressRange APERTURE = AddressRange.of(0, 1L << 32);
    /**
     * One mapping for each resource with whole pages. A piece that begins or ends inside a page has a mapping of its
     * own; the guest may have as many of these as the longest list has entries.
     */
    private static final int MAX_MAPPINGS = ResourceTable.MAX_RESOURCES + Backing.MAX_ENTRIES;
    private static final int FAULTS_TOLD = 16;
    /** How often a buffer may be moved by its exporter during one use of it. */
    static final int MOST_MOVES = 8;
    private static final Logger LOG = LoggerFactory.getLogger(BackingSpace.class);

    private final DmaCore core;
    private final Share share;
    private final DeviceTrace trace;
    private final DeviceSpace space;
    private final DeviceFunction function;
    private final Stream stream;
    private final BusRanges ranges = new BusRanges();
    private final Runs found = new Runs();
    private final Rows whole = new Rows();
    /** Of {@link #reach}. */
    private final Result reached = new Result();
    private int refusals;
    private @Nullable Witness witness;
    private @Nullable DeviceView view;
    private @Nullable FrontTranslation memory;
    /** The backing being translated. */
    private @Nullable Backing resolving;

    /**
     * An empty space.
     *
     * @param share charged for the core's state of backings
     * @param params how it wants memory; its aperture is no larger than its DMA mask
     * @param stream the GPU's kind of memory access
     * @param onFault policy for an access that faults
     */
    BackingSpace(String name, DmaCore core, Share share, DeviceDmaParams params, Stream stream, FaultPolicy onFault) {
        this.core = core;
        this.share = share;
        trace = core.trace(name);
        this.stream = stream;
        // Only the device's own loop reads here, so an unmap never waits for a reader.
        space = DeviceSpace
                .open(IoSpaceOptions.of(name, aperture(params)).withFaultPolicy(onFault).withMaxMappings(MAX_MAPPINGS)
                        .withFaultLog(IoSpaceOptions.DEFAULT_FAULTS, this::tell));
        function = DeviceFunction.of(name, params, space);
    }

    private static AddressRange aperture(DeviceDmaParams params) {
        return params.dmaMask() < 0 ? APERTURE : APERTURE.intersection(new AddressRange(0, params.dmaMask()));
    }

    /** A guest can cause faults without limit, but not log lines. */
    private void tell(FaultRecord fault) {
        if (fault.sequence() <= FAULTS_TOLD) {
            LOG.warn("{}", fault);
        } else {
            LOG.debug("{}", fault);
        }
        trace.faulted(fault.iova(), fault.length());
    }

    DeviceSpace space() {
        return space;
    }

    /** @param reports of the guest's kernel, whose transfers are those of a GPU that does not snoop; null without a witness */
    void setWitness(@Nullable Witness reports) {
        witness = reports;
    }

    private boolean isTold() {
        Witness reports = witness;
        return reports != null && reports.isTold(function.name());
    }

    void setMemory(FrontTranslation translation) {
        memory = translation;
    }

    /** The translation for addresses in commands. */
    FrontTranslation memory() {
        FrontTranslation present = memory;
        if (present == null) throw new IllegalStateException("a command before the device was started");
        return present;
    }

    /**
     * Maps a backing, unless it is mapped.
     *
     * @param result receives the outcome: {@link Outcome#MISS} (a translation is missing: retry when it has arrived),
     * {@link Outcome#FAULT} (the addresses are not memory, or not readable) or {@link Outcome#NO_ROOM} (the GPU's
     * address space is full)
     * @return its outcome
     */
    Outcome map(Pages pages, int resourceId, Result result) {
        return switch (pages) {
            case Backing backing -> map(backing, resourceId, result);
            case BufferPages buffer -> map(buffer, resourceId, result);
        };
    }

    private Outcome map(BufferPages pages, int resourceId, Result result) {
        DeviceMapping present = pages.mapping();
        if (present != null && present.isLive()) return result.resolved();
        letGo(pages); // what another device has taken away
        long began = System.nanoTime();
        while (true) {
            try {
                if (!pages.map()) return result.faulted(0, Access.READ);
                publish(pages, pages.buffer());
                return result.resolved();
            } catch (DmaBufException e) {
                boolean patient = System.nanoTime() - began < core.options().moveBound().toNanos();
                if (e.errno() == Errno.EAGAIN && patient && pages.buffer().awaitMoved()) continue;
                tellRefusal(resourceId, e);
                return noRoom(result);
            }
        }
    }

    private void mapped(Pages pages, DeviceMapping made, long table) {
        pages.setMapped(made, table);
        publish(pages, made.attachment().buffer());
    }

    private void publish(Pages pages, DmaBuf buffer) {
        UUID name = pages.exportedAs();
        if (name != null && !core.exported().add(name, buffer))
            LOG.debug("{}: too many exported objects", function.name());
    }

    private Outcome map(Backing backing, int resourceId, Result result) {
        FrontTranslation translation = memory();
        if (backing.isMapped(translation.memory().number())) return result.resolved();
        letGo(backing); // its mapping of the previous table
        if (backing.bytes() > APERTURE.size()) return noRoom(result);
        if (!backing.equals(resolving)) {
            resolving = backing;
            ranges.begin(backing.list());
        }
        long began = trace.begin();
        ranges.advance(translation, Access.READ, result);
        if (result.isMiss()) return result.outcome();
        try {
            if (!result.isResolved()) {
                // Not a warning: a guest can cause this without limit.
                LOG.debug("resource {}: attached address 0x{} is not guest memory", resourceId,
                        Long.toHexString(result.address()));
                return result.outcome();
            }
            trace.translated(backing.list().address(0), ranges.runs().bytes(), began);
            mapped(backing, imported(resourceId), translation.memory().number());
            return result.outcome();
        } catch (DmaBufException e) {
            tellRefusal(resourceId, e);
            return noRoom(result);
        } finally {
            forget();
        }
    }

    /** As {@link #tell}: a guest may be refused as often as it likes. */
    private void tellRefusal(int resourceId, DmaBufException why) {
        if (refusals++ < FAULTS_TOLD) {
            LOG.warn("{}: the pages of resource {} cannot be mapped: {}", function.name(),
                    Integer.toUnsignedString(resourceId), why.getMessage());
        } else {
            LOG.debug("the pages of resource {} cannot be mapped: {}", resourceId, why.getMessage());
        }
    }

    private static Outcome noRoom(Result result) {
        return result.set(Outcome.NO_ROOM, 0, Access.READ, null, "");
    }

    /** Exports and maps the translated pages; the guest keeps ownership. */
    private DeviceMapping imported(int resourceId) throws DmaBufException {
        DmaBuf buffer = core.export("resource " + Integer.toUnsignedString(resourceId), ranges.runs().bytes(),
                new GuestPages(ranges.runs()), share);
        boolean done = false;
        Attachment attachment = null;
        try {
            attachment = buffer.attach(function, needsTransfers() ? stream : Stream.COHERENT);
            // Maps without a transfer: a guest may draw while it attaches.
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.CPU_KEEPS));
            done = true;
            return mapping;
        } finally {
            if (!done && attachment != null) attachment.detach();
            if (!done) buffer.release();
        }
    }

    /** Not if the guest's kernel has allocated the pages as coherent memory. */
    private boolean needsTransfers() {
        Witness reports = witness;
        return reports == null || !reports.isCoherent(ranges.runs());
    }

    /** The GPU detaches, and other users lose access: the guest uses the pages for something else. */
    private static void discard(Attachment own) {
        DmaBuf buffer = own.buffer();
        own.detach();
        if (!buffer.attachments().isEmpty()) buffer.revoke();
        buffer.release();
    }

    /**
     * Host memory for a blob, which is allocated at its first use.
     *
     * @param size in bytes, at least 1
     * @throws DmaBufException ENOMEM: the device's share is used up
     */
    BufferPages open(int resourceId, long size, WindowExporter exporter) throws DmaBufException {
        DmaBuf buffer = core.export("resource " + Integer.toUnsignedString(resourceId), size, exporter, share);
        boolean done = false;
        try {
            BufferPages host = attach(buffer);
            done = true;
            return host;
        } finally {
            if (!done) buffer.release();
        }
    }

    /** Ends host memory; the window has its place again when no other device uses it. */
    void close(BufferPages host) {
        withdraw(host);
        unmap(host);
        discard(host.attachment());
    }

    /** The buffer that a device of the machine has exported under a name, or null. */
    @Nullable
    DmaBuf exported(UUID name) {
        return core.exported().find(name);
    }

    /**
     * Attaches the GPU to a buffer, which is mapped at its first use.
     *
     * @throws DmaBufException as {@link DmaBuf#attachDynamic}
     */
    BufferPages attach(DmaBuf buffer) throws DmaBufException {
        return BufferPages.attach(buffer, function, stream);
    }

    /** Detaches the GPU from another device's buffer. */
    void detach(BufferPages pages) {
        unmap(pages);
        pages.attachment().detach();
    }

    /**
     * Other devices of the machine find the pages by a name from now on.
     *
     * @return false if the machine has too many names
     */
    boolean exportAs(Pages pages, UUID name) {
        DeviceMapping mapping = pages.mapping();
        DmaBuf buffer = switch (pages) {
            case Backing backing -> mapping == null ? null : mapping.attachment().buffer();
            case BufferPages host -> host.buffer();
        };
        if (buffer != null && !core.exported().add(name, buffer)) return false;
        pages.setExportedAs(name);
        return true;
    }

    private void withdraw(Pages pages) {
        UUID name = pages.exportedAs();
        if (name != null) core.exported().remove(name);
    }

    /** Aborts the translation in progress. */
    void forget() {
        resolving = null;
        ranges.end();
    }

    void unmap(Pages pages) {
        if (pages.equals(resolving)) forget();
        letGo(pages);
    }

    private void letGo(Pages pages) {
        DeviceMapping mapping = pages.takeMapping();
        if (mapping == null) return;
        try {
            mapping.unmap();
        } catch (DmaBufException e) {
            throw new IllegalStateException("a backing was unmapped elsewhere", e);
        }
        if (pages instanceof BufferPages) return; // the buffer lasts
        withdraw(pages);
        discard(mapping.attachment());
    }

    /** Begins a read section for the results of {@link #give}. */
    ReadSection enter() {
        return view().enter();
    }

    /**
     * The guest has drawn: transfers rows of a mapped backing to the GPU, and resolves them to {@link #found}. In a
     * read section.
     *
     * @return the outcome; {@link #found} is valid only for {@link Outcome#RESOLVED}; a fault is recorded
     */
    Outcome give(Pages backing, Rows rows) {
        try {
            return view().giveAndFind(mapping(backing), lines(rows), Direction.TO_DEVICE, Access.READ, found);
        } catch (DmaBufException e) {
            throw new IllegalStateException("a backing cannot be transferred to its GPU", e);
        }
    }

    /**
     * The guest has drawn what the GPU shows: transfers rows of a mapped backing to the GPU and back, so that the
     * GPU's memory has everything drawn before. That is checked: another device may have drawn too. What the guest's kernel transfers
     * itself, of its own pages, is left to it.
     *
     * @return false if another device has moved or taken away its buffer: it must be mapped again
     */
    boolean pass(Pages backing, Rows rows) {
        if (!stream.coherent() && backing instanceof Backing && isTold()) return true;
        DeviceMapping mapping = backing instanceof Backing ? mapping(backing) : backing.mapping();
        try {
            return mapping != null && view().show(mapping, lines(rows), Direction.TO_DEVICE);
        } catch (DmaBufException e) {
            throw new IllegalStateException("a backing cannot be transferred to its GPU", e);
        }
    }

    /**
     * What the GPU shows of a mapped backing should be what the guest has drawn: where it is older, because it was not transferred, is a
     * finding. A GPU that snoops shows everything.
     */
    void reportStale(Pages backing, Rows rows) {
        DeviceMapping mapping = backing.mapping();
        if (mapping != null && !mapping.attachment().stream().coherent()) view().reportStale(mapping, rows);
    }

    /**
     * Maps a backing, unless it is mapped, for a caller that cannot wait for translations. Outside of a read section.
     *
     * @return whether it is mapped; {@link #isGone} says why not
     */
    boolean reach(Pages backing, int resourceId) {
        Outcome outcome = map(backing, resourceId, reached);
        if (outcome == Outcome.MISS) forget();
        return outcome == Outcome.RESOLVED;
    }

    /** Whether the last {@link #reach} has failed because the pages are not memory any more. */
    boolean isGone() {
        return !reached.isMiss();
    }

    /**
     * Resolves rows for an observer of the screen: not an access of the GPU, and not checked. In a read section, for a
     * mapped backing.
     *
     * @return whether they can be read, at {@link #found}; if not, another device has moved or taken away the buffer
     */
    boolean observe(Pages backing, Rows rows) {
        DeviceMapping mapping = backing.mapping();
        return mapping != null && view().observe(mapping, rows, found) == Outcome.RESOLVED;
    }

    /**
     * The runs from the first to the last transferred byte, including the gaps between rows. Valid until the read
     * section ends.
     */
    Runs found() {
        return found;
    }

    /** The GPU has read: transfers the rows back to the guest. */
    void takeBack(Pages backing, Rows rows) {
        try {
            mapping(backing).syncForCpu(lines(rows), Direction.TO_DEVICE);
        } catch (DmaBufException e) {
            throw new IllegalStateException("a backing cannot be transferred back from its GPU", e);
        }
    }

    /** The rows to transfer: without a cache, transferring all of the backing is cheaper. */
    private Rows lines(Rows rows) {
        return stream.coherent() || rows.isOneStretch() ? whole.set(rows.offset(), rows.span()) : rows;
    }

    /** Start time of a copy, for {@link #copied}: 0 while tracing is off. */
    long copyBegins() {
        return trace.begin();
    }

    /** Bytes of a backing were copied, as required by the protocol. */
    void copied(Pages backing, long offset, long bytes, long began) {
        if (began == 0) return;
        Attachment attachment = mapping(backing).attachment();
        long now = System.nanoTime();
        core.options().trace().record(EventKind.COPY, attachment.buffer().number(), attachment.number(), 0, offset,
                bytes, bytes, now - began, now);
    }

    /**
     * A scan-out shows a blob whose pages are gone: it is black there, which is a finding, once for each time that the
     * blob gets pages.
     */
    void tellLost(Blob blob) {
        if (!blob.use().lose()) return;
        core.findings().add(Rule.SHOWN_WITHOUT_MEMORY, function.name(),
                "resource " + Integer.toUnsignedString(blob.id()), 0, blob.size(),
                "shown without its memory, which was taken away: the scan-out is black");
    }

    /** Start time of a display's turn, for {@link #displayed}: 0 while tracing is off. */
    long displayBegins() {
        return trace.begin();
    }

    /** The displays have accepted the pixels of a resource. */
    void displayed(int resource, long began) {
        trace.displayed(resource, began);
    }

    /** A frame was shown. */
    void shown(long frame) {
        trace.shown(frame);
    }

    private static DeviceMapping mapping(Pages backing) {
        DeviceMapping mapping = backing.mapping();
        if (mapping == null) throw new IllegalStateException("a backing is read while it is not mapped");
        return mapping;
    }

    private DeviceView view() {
        DeviceView present = view;
        if (present == null) {
            present = DeviceView.open(function);
            view = present;
        }
        return present;
    }
}
