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
 * The VM's own IOMMU in front of a device, as far as the front-end has told us: a cache of bus addresses. What it does
 * not hold is asked for, one question for a page and an access at a time and many pages together, and found when the
 * caller tries again.
 *
 * <p>It leads to addresses of the memory table and not to files, so that a new generation of the table needs nothing
 * here. An entry allows what we asked about and the answer grants: QEMU always answers "read and write". A question that
 * is twice answered by yes, and by no entry that allows its access, is refused: it would be asked again without end.
 *
 * <p>Used by the device's thread alone, as are the answers of {@link Questions}.
 */
public final class Iotlb implements FrontTranslation {
    /** How the front-end is asked. */
    @FunctionalInterface
    public interface Questions {
        /**
         * Asks for the page at {@code address}. The answer comes as {@link Iotlb#update} and then {@link Iotlb#answered}, or
         * as the latter alone if it is no.
         */
        void ask(long address, Access access);
    }

    /** Questions under way at a time. A 1080p frame of single pages takes half as long as with one. */
    static final int WINDOW = 64;
    /** With fewer under way it is worth to try again, and to ask for the next. */
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
    /** In the order they were asked, which is the order they are answered in. */
    private final Set<Question> pending = new LinkedHashSet<>();
    /** Those of {@link #pending} whose access an entry has allowed, though it may have been taken back since. */
    private final Set<Question> told = new HashSet<>();
    /** Answered by yes and no entry. The entry may have been taken for another question's, so they are asked once more. */
    private final Set<Question> doubtful = new HashSet<>();
    private final Set<Question> refused = new HashSet<>();
    /** Those of {@link #pending} whose refusal nobody waits for, because their command may have failed already. */
    private final Set<Question> abandoned = new HashSet<>();
    /** Another number after each invalidation, and in each cache of this process. */
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
     * @param addressing of the addresses that entries lead to
     * @param progress runs when a caller that was told {@code MISS} had better try again
     * @param statistics counts what is asked and taken back
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

    /** A guest can have faults as often as it likes, but not lines of our log. */
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

    /** The cache itself, for rules that lose invalidations. */
    public TranslationCache cache() {
        return cache;
    }

    // ---- what the front-end says

    /**
     * The front-end tells where a range leads. It is taken as the answer to our oldest question about a page of the range that
     * it allows; what we have not asked for is left alone, because nothing proves what it may be used for.
     *
     * @param address bus address of the first byte
     * @param length in bytes, more than 0
     * @param target address in the memory table
     * @param granted what the front-end says it may be used for
     * @throws MapException if it is not made of pages, or beyond all addresses
     */
    public void update(long address, long length, long target, Permission granted) throws MapException {
        if (oldestIn(address, length, Permission.READ_WRITE) == null) {
            statistics.noteUnasked();
            return;
        }
        Question question = oldestIn(address, length, granted);
        if (question == null) return; // its answer, whatever it says, is no
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

    /** A question of ours was answered; {@code known} is false if the driver has mapped nothing there that allows the access. */
    public void answered(long page, Access access, boolean known) {
        Question question = new Question(page, access);
        if (!pending.remove(question)) return; // asked before everything was forgotten
        boolean allowed = told.remove(question) || known(page, 1, access) == 1;
        boolean granted = known && (allowed || isFirstDoubt(question));
        if (allowed) doubtful.remove(question);
        statistics.answered(granted);
        if (!abandoned.remove(question) && !granted) {
            // Nobody came back for the others: their queue has stopped.
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
     * A range is not mapped any more, or leads elsewhere. When this returns nothing in here leads there; what callers have
     * resolved before is theirs to let go of.
     */
    public void invalidate(AddressRange range) {
        epoch = EPOCHS.incrementAndGet();
        int dropped = cache.invalidate(range).entries();
        refused.removeIf(question -> range.contains(question.page));
        statistics.invalidated(range, dropped);
    }

    /** Forgets everything, also what was asked: the device starts anew. No rule loses this. */
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

    /** What is missing it asks for, also behind the first missing page as far as the window reaches. */
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
            // What else was asked for this command would be held against the next one, though its driver may have mapped it
            // by then: a front-end does not tell. Whoever else waits for it asks again.
            refused.clear();
            abandoned.addAll(pending);
            result.faulted(missing, access);
            return known;
        }
        askAhead((missing & -PAGE) + PAGE, address + length, access);
        result.missed(missing, access);
        return known;
    }

    /** Sets {@link #targets} to the beginning of a range as far as it is held; returns how far that is. */
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

    /** What the addresses lead to lies in the memory table, or the front-end was wrong: then nothing is appended. */
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

    /** @return false if this was asked and refused */
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
     * Invalidations and tables both make another number. No two caches have one in common: what was resolved through one
     * says nothing about the next, which a device gets when it starts anew.
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
