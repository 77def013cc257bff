package sluice.dmacore.buffer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.Runs;

/**
 * Whether a device can use a buffer, with all reasons against it, not only the first.
 *
 * @param problems empty if the device can use the buffer
 */
public record Verdict(List<Problem> problems) {
    /**
     * A limit of the device's parameters, of the buffer or of the machine; of several violated limits the first
     * determines the errno.
     */
    public enum Limit {
        /** The buffer was revoked or released. */
        STATE(Errno.ENODEV),
        /** Number of attachments that share a line. */
        HOLDERS(Errno.ENOMEM),
        /** The memory is read-only. */
        READ_ONLY(Errno.EACCES),
        /** The memory has no struct pages. */
        PEER_TO_PEER(Errno.EOPNOTSUPP),
        /** A non-snooping device would write, and this process cannot invalidate cache lines. */
        INVALIDATION(Errno.EOPNOTSUPP),
        /** The buffer is being moved. */
        MOVING(Errno.EAGAIN),
        /** The attachment is mapped already. */
        MAPPED(Errno.EBUSY),
        /** The memory is allocated, and late attachments are refused. */
        LATE(Errno.EBUSY),
        /** Size of the buffer in bytes. */
        SIZE(Errno.EBUSY),
        SEGMENT_COUNT(Errno.EBUSY),
        CONTIGUITY(Errno.EBUSY),
        ALIGNMENT(Errno.EBUSY),
        PAGE_GRANULE(Errno.EBUSY),
        DMA_MASK(Errno.EBUSY),
        /** The exporter refuses it. */
        EXPORTER(Errno.EBUSY);

        private final int errno;

        Limit(int errno) {
            this.errno = errno;
        }
    }

    /**
     * One reason against the use.
     *
     * @param segment index of the segment, or −1 for the buffer as a whole
     * @param is the actual value
     * @param limit the device's limit
     * @param never whether no memory would suit the device
     * @param bounceable whether a bounce buffer would help
     * @param why a sentence of the exporter's, or empty
     */
    public record Problem(int segment, Limit rule, long is, long limit, boolean never, boolean bounceable, String why) {
        public Problem(int segment, Limit rule, long is, long limit, boolean never, boolean bounceable) {
            this(segment, rule, is, limit, never, bounceable, "");
        }

        /**
         * A refusal by the exporter.
         *
         * @param never whether the exporter would refuse any memory
         * @param why the text after "the exporter refuses it: "
         */
        public static Problem ofExporter(boolean never, String why) {
            return new Problem(-1, Limit.EXPORTER, 0, 0, never, false, why);
        }

        /** A reason about the buffer as a whole that a bounce buffer would not solve. */
        static Problem of(Limit rule) {
            return new Problem(-1, rule, 0, 0, false, false);
        }

        @Override
        public String toString() {
            String where = segment < 0 ? "the buffer" : "segment " + segment;
            return switch (rule) {
                case STATE -> "it was revoked or released";
                case HOLDERS -> "%d attachments share its lines; the limit is %d".formatted(is, limit);
                case READ_ONLY -> "it is read-only, and the device would write it";
                case INVALIDATION -> "this process cannot invalidate cache lines, and the device does not snoop";
                case MOVING -> "it is being moved";
                case MAPPED -> "it is mapped already: a second mapping needs a second attachment";
                case LATE -> "its memory is allocated, and late attachments are refused";
                case SIZE -> "%s has %d bytes, but the device accepts at most %d".formatted(where, is, limit);
                case SEGMENT_COUNT -> "it has %d segments, but the device accepts at most %d".formatted(is, limit);
                case CONTIGUITY -> "it has %d segments, but the device needs contiguous memory".formatted(is);
                case ALIGNMENT ->
                    "%s begins at 0x%x, but the device needs the bits 0x%x to be 0".formatted(where, is, limit);
                case PAGE_GRANULE ->
                    "%s has a piece at 0x%x, but the device's pages have 0x%x bytes".formatted(where, is,
                            limit);
                case DMA_MASK -> "%s ends at 0x%x, but the device's DMA mask is 0x%x".formatted(where, is, limit);
                case PEER_TO_PEER -> "it is memory of another device, and this device does not support peer to peer";
                case EXPORTER -> why.isEmpty() ? "the exporter refuses it" : "the exporter refuses it: " + why;
            };
        }
    }

    public static final Verdict FITS = new Verdict(List.of());

    private static final int MOST_TOLD = 16;
    private static final long PAGE = 4096;

    public Verdict {
        problems = List.copyOf(problems);
    }

    public boolean fits() {
        return problems.isEmpty();
    }

    /**
     * The errno of a refusal: ENODEV if the buffer was revoked or released, EINVAL if no memory would suit the device,
     * otherwise that of the first violated {@link Limit}, such as EOPNOTSUPP for peer memory, or EBUSY if only this
     * memory is the reason; 0 if the device can use it.
     */
    public int errno() {
        if (fits()) return 0;
        Limit first = Collections.min(problems, Comparator.comparing(Problem::rule)).rule();
        return first != Limit.STATE && problems.stream().anyMatch(Problem::never) ? Errno.EINVAL : first.errno;
    }

    /** Whether a bounce buffer would suit the device. */
    public boolean bounceable() {
        return problems.stream().allMatch(Problem::bounceable);
    }

    @Override
    public String toString() {
        return fits() ? "it fits" : problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
    }

    /** This verdict and one more problem. */
    public Verdict with(Problem more) {
        return with(List.of(more));
    }

    /** This verdict and further problems. */
    Verdict with(List<Problem> more) {
        if (more.isEmpty()) return this;
        List<Problem> all = new ArrayList<>(problems);
        all.addAll(more);
        return new Verdict(all);
    }

    /** Checks that apply to any memory, before allocation. */
    static Verdict ofSize(long bytes, DeviceDmaParams params) {
        if (bytes > params.mostBytes())
            return new Verdict(List.of(new Problem(-1, Limit.SIZE, bytes, params.mostBytes(), true, false)));
        if (params.dmaMask() >= 0 && bytes - 1 > params.dmaMask())
            return new Verdict(List.of(new Problem(-1, Limit.DMA_MASK, bytes - 1, params.dmaMask(), true, false)));
        return FITS;
    }

    /** Checks a list of segments, real or planned, of memory of a given kind. */
    static Verdict of(SegmentList list, BufferMemory memory, DeviceDmaParams params) {
        return of(list, memory.runs(), memory.kind(), params);
    }

    /** The same for memory without a buffer. */
    static Verdict of(SegmentList list, Runs memory, BufferMemory.Kind kind, DeviceDmaParams params) {
        List<Problem> problems = new ArrayList<>(ofSize(list.bytes(), params).problems());
        if (kind == BufferMemory.Kind.DEVICE && !params.peerToPeer())
            problems.add(new Problem(-1, Limit.PEER_TO_PEER, 0, 0, false, false));
        if (params.contiguous() && !(list.isContiguous() && list.bytes() <= params.maxSegmentSize()))
            problems.add(new Problem(-1, Limit.CONTIGUITY, list.count(), 1, false, !params.translated()));
        if (list.count() > params.maxSegmentCount()) {
            problems.add(new Problem(-1, Limit.SEGMENT_COUNT, list.count(), params.maxSegmentCount(), false, true));
        }
        for (int i = 0; i < list.count() && problems.size() < MOST_TOLD; i++) {
            long address = list.address(i);
            if ((address & params.minAlignMask()) != 0)
                problems.add(new Problem(i, Limit.ALIGNMENT, address, params.minAlignMask(), false, true));
            long last = address + list.length(i) - 1;
            if (params.dmaMask() != -1 && Long.compareUnsigned(last, params.dmaMask()) > 0)
                problems.add(new Problem(i, Limit.DMA_MASK, last, params.dmaMask(), false, true));
        }
        if (params.pageGranule() > PAGE) checkGranule(memory, params, problems);
        return new Verdict(problems);
    }

    private static void checkGranule(Runs memory, DeviceDmaParams params, List<Problem> problems) {
        for (int run = 0; run < memory.count(); run++) {
            long offset = memory.offset(run);
            boolean last = run == memory.count() - 1;
            long odd = last ? offset : offset | memory.length(run);
            if ((odd & (params.pageGranule() - 1)) != 0) {
                problems.add(new Problem(-1, Limit.PAGE_GRANULE, offset, params.pageGranule(), false, true));
                return;
            }
        }
    }
}
