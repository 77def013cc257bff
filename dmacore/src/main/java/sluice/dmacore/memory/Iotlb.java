package sluice.dmacore.memory;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Reader;
import sluice.iommu.space.Result;
import sluice.iommu.space.TranslationCache;
import sluice.iommu.space.TranslationCacheOptions;

/**
 * An IOTLB: a cache of the translations of the VM's IOMMU that the front-end has sent. A missing translation is
 * requested, one request per page and access, many pages at a time; the caller retries when it has arrived.
 *
 * <p>Entries contain addresses of the memory table, not files, so that a new generation of the table does not affect
 * them. An entry permits the requested access only, and only if the answer grants it: QEMU always answers "read and
 * write". A miss that is acknowledged twice without an entry that permits its access is refused; otherwise it would be
 * requested again without end.
 *
 * <p>Used by the device's thread only, which also receives the answers of {@link Questions}.
 */
public final class Iotlb implements FrontTranslation {
    /** Sends misses to the front-end. */
    @FunctionalInterface
    public interface Questions {
        /**
         * Requests the translation of the page at {@code address}. The answer is a call of {@link Iotlb#update}
         * followed by {@link Iotlb#answered}, or only the latter if it is refused.
         */
        void ask(long address, Access access);
    }

    /** Pending misses at a time. A 1080p frame of single pages takes half as long as with one. */
    static final int WINDOW = 64;
    /** With fewer pending misses the caller retries and requests the next pages. */
    private static final int LOW_WATER = WINDOW / 4;
    private static final int ADDRESS_BITS = 57;
    private static final int FAULTS_KEPT = 256;
    private static final int FAULTS_TOLD = 8;
    private static final long PAGE = MemoryRegion.PAGE;
    private static final AtomicLong EPOCHS = new AtomicLong();
    private static final Logger LOG = LoggerFactory.getLogger(Iotlb.class);

    private final GuestMemoryView view;
    private final GuestMemory.Addressing addressing;
    private final Questions questions;
    private final Runnable progress;
    private final TranslationCache cache;
    private final Reader reader;
    private final IotlbStatistics statistics;
    private final TargetRuns targets = new TargetRuns();
    /** In request order, which is the order of the answers. */
    private final Set<Question> pending = new LinkedHashSet<>();
    /** Elements of {@link #pending} that an entry has permitted, even if it was invalidated since. */
    private final Set<Question> told = new HashSet<>();
    /**
     * Acknowledged without an entry. The entry may have been matched with another miss, so these are requested once
     * more.
     */
    private final Set<Question> doubtful = new HashSet<>();
    private final Set<Question> refused = new HashSet<>();
    /** Elements of {@link #pending} that no command waits for any more, so that their refusal is dropped. */
    private final Set<Question> abandoned = new HashSet<>();
    /** Changes with each invalidation; unique among the caches of this process. */
    private long epoch = EPOCHS.incrementAndGet();
    private int foreignTold;
    private int faultsTold;

    private record Question(long page, Access access) {
        boolean isIn(long address, long length) {
            return Long.compareUnsigned(page - address, length) < 0;
        }
    }

    /**
     * @param name appears in faults
     * @param addressing kind of the target addresses
     * @param progress runs when a caller that got {@code MISS} should retry
     * @param statistics counts misses and invalidations
     */
    public Iotlb(String name, GuestMemoryView view, GuestMemory.Addressing addressing, Questions questions,
            Runnable progress, IotlbStatistics statistics) {
        this.view = view;
        this.addressing = addressing;
        this.questions = questions;
        this.progress = progress;
        this.statistics = statistics;
        cache = TranslationCache.open(
                TranslationCacheOptions.of(name, ADDRESS_BITS).withFaultLog(FAULTS_KEPT, this::tell));
        reader = cache.openReader();
    }

    /** A guest can cause faults without limit, but not log lines. */
    private void tell(FaultRecord fault) {
        if (faultsTold++ < FAULTS_TOLD) {
            LOG.info("{}", fault);
        } else {
            LOG.debug("{}", fault);
        }
    }

    /** Translations that were refused. */
    public FaultLog faults() {
        return cache.faults();
    }

    /** The cache, for fault injection that drops invalidations. */
    public TranslationCache cache() {
        return cache;
    }

    // ---- what the front-end says

    /**
     * Adds a translation from the front-end (IOTLB update). It answers the oldest pending miss of a page in the range
     * that it permits; translations that were not requested are ignored, because their permission is not proven.
     *
     * @param address bus address of the first byte
     * @param length in bytes, more than 0
     * @param target address in the memory table
     * @param granted the permission that the front-end reports
     * @throws MapException if it is not page-aligned, or exceeds 2^64
     */
    public void update(long address, long length, long target, Permission granted) throws MapException {
        if (oldestIn(address, length, Permission.READ_WRITE) == null) {
            statistics.noteUnasked();
            return;
        }
        Question question = oldestIn(address, length, granted);
        if (question == null) return; // any answer to it now counts as a refusal
        cache.insert(address, length, target, Permission.of(question.access));
        for (Question answered : pending) {
            if (answered.access == question.access && answered.isIn(address, length)) told.add(answered);
        }
        if (!statistics.isTranslating() && !isIdentity(address, target)) statistics.noteTranslating();
    }

    private boolean isIdentity(long address, long target) {
        MemoryRegion guest = view.current().regionAt(address, GuestMemory.Addressing.GUEST);
        MemoryRegion found = view.current().regionAt(target, addressing);
        if (guest == null || found == null || !guest.equals(found)) return false;
        long start = addressing == GuestMemory.Addressing.GUEST ? found.guest().first() : found.userAddress();
        return address - guest.guest().first() == target - start;
    }

    private @Nullable Question oldestIn(long address, long length, Permission granted) {
        for (Question question : pending) {
            if (question.isIn(address, length) && granted.allows(question.access)) return question;
        }
        return null;
    }

    /** A miss was answered; {@code known} is false if no mapping of the driver permits the access. */
    public void answered(long page, Access access, boolean known) {
        Question question = new Question(page, access);
        if (!pending.remove(question)) return; // requested before the last clear
        boolean allowed = told.remove(question) || known(page, 1, access) == 1;
        boolean granted = known && (allowed || isFirstDoubt(question));
        if (allowed) doubtful.remove(question);
        statistics.answered(granted);
        if (!abandoned.remove(question) && !granted) {
            // No caller has retried the others: their queue has stopped.
            if (refused.size() == WINDOW) refused.clear();
            refused.add(question);
        }
        if (!allowed || !granted || pending.size() <= LOW_WATER) progress.run();
    }

    private boolean isFirstDoubt(Question question) {
        if (doubtful.remove(question)) return false;
        if (doubtful.size() == WINDOW) doubtful.clear();
        return doubtful.add(question);
    }

    /**
     * Invalidates a range. When this returns the cache has no entry in it; callers must drop runs that they resolved
     * before.
     */
    public void invalidate(AddressRange range) {
        epoch = EPOCHS.incrementAndGet();
        int dropped = cache.invalidate(range).entries();
        refused.removeIf(question -> range.contains(question.page));
        statistics.invalidated(range, dropped);
    }

    /** Drops all entries and pending misses: the device restarts. Fault injection does not affect this. */
    public void clear() {
        cache.clear();
        foreignTold = 0;
        faultsTold = 0;
        epoch = EPOCHS.incrementAndGet();
        statistics.abandoned();
        pending.clear();
        told.clear();
        doubtful.clear();
        refused.clear();
        abandoned.clear();
    }

    // ---- translating

    @Override
    public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
        int mark = target.count();
        long markBytes = target.bytes();
        if (resolveKnown(address, length, access, target, result) == length) return Outcome.RESOLVED;
        target.cutBack(mark, markBytes);
        return result.outcome();
    }

    /** Missing pages are requested, also those after the first, up to the limit of pending misses. */
    @Override
    public long resolveKnown(long address, long length, Access access, Runs target, Result result) {
        long known = 0;
        boolean wraps = length > 0 && Long.compareUnsigned(address + (length - 1), address) < 0;
        if (!wraps && length > 0) known = known(address, length, access);
        if (wraps || (known > 0 && !append(target))) {
            result.faulted(address, access);
            return 0;
        }
        if (known == length) {
            result.resolved();
            return known;
        }
        long missing = address + known;
        if (!ask(missing & -PAGE, access)) {
            cache.refused(FaultContext.NONE, missing, length - known, access);
            statistics.noteFault();
            // Refusals of other misses of this command must not apply to the next command, because the driver may have
            // mapped the pages by then without a notification. Other callers that wait for them request them again.
            refused.clear();
            abandoned.addAll(pending);
            result.faulted(missing, access);
            return known;
        }
        askAhead((missing & -PAGE) + PAGE, address + length, access);
        result.missed(missing, access);
        return known;
    }

    /** Sets {@link #targets} to the cached beginning of a range; returns its length. */
    private long known(long address, long length, Access access) {
        targets.clear();
        try (var _ = reader.enter()) {
            if (reader.translate(address, length, access, targets) == Outcome.RESOLVED) return length;
            long known = reader.result().address() - address;
            if (known > 0) reader.translate(address, known, access, targets);
            return known;
        }
    }

    private void askAhead(long from, long end, Access access) {
        long at = from;
        while (at < end && pending.size() < WINDOW) {
            at += known(at, end - at, access);
            if (at >= end || !ask(at & -PAGE, access)) return;
            at += PAGE;
        }
    }

    /** The targets must be in the memory table; otherwise the front-end was wrong, and nothing is appended. */
    private boolean append(Runs target) {
        int mark = target.count();
        long markBytes = target.bytes();
        for (int i = 0; i < targets.count(); i++) {
            if (!view.current().resolve(targets.target(i), targets.length(i), addressing, target)) {
                target.cutBack(mark, markBytes);
                tellForeign(targets.length(i), targets.target(i));
                return false;
            }
        }
        return true;
    }

    private void tellForeign(long length, long target) {
        if (foreignTold++ >= FAULTS_TOLD) return;
        LOG.warn("the front-end translated 0x{} bytes to 0x{}, which its memory table does not have",
                Long.toHexString(length), Long.toHexString(target));
    }

    /** @return false if this miss was refused */
    private boolean ask(long page, Access access) {
        Question question = new Question(page, access);
        if (refused.contains(question)) return false;
        if (pending.size() < WINDOW && !pending.contains(question)) {
            pending.add(question);
            statistics.asked();
            questions.ask(page, access);
        }
        return true;
    }

    /**
     * Invalidations and new tables change the number. It is unique across caches, because runs of one cache are invalid
     * in the next, which a restarted device gets.
     */
    @Override
    public long generation() {
        return view.current().number() + (epoch << 32);
    }

    @Override
    public boolean isRevocable() {
        return true;
    }

    @Override
    public boolean wantsMore() {
        return pending.size() < WINDOW;
    }

    @Override
    public GuestMemory memory() {
        return view.current();
    }
}
