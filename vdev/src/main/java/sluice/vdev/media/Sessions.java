package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.Errno;
import sluice.vdev.device.Counter;
import sluice.vdev.device.Report;
import sluice.vdev.device.Workers;

/**
 * All sessions of a device. Their jobs go to the workers by turns, one at a time of each, and so do their events to the
 * driver. Used on the device's loop.
 */
final class Sessions {
    private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);
    /** What a session costs of the heap, without its buffers. */
    private static final long SESSION_HEAP = 64 << 10;

    /** Makes a session with an id. */
    @FunctionalInterface
    interface Maker {
        Session make(int id);
    }

    private final String name;
    private final Workers workers;
    private final Share share;
    private final Maker maker;
    private final int most;
    private final long longestNanos;
    private final Map<Integer, Session> open = new LinkedHashMap<>();
    /** Open ones, and closed ones whose decoder is not closed yet. */
    private final Set<Session> all = new LinkedHashSet<>();
    private final Set<Session> working = new LinkedHashSet<>();
    /** Those whose worker was given up. */
    private final Set<Session> stuck = new HashSet<>();
    private final Deque<Session> wantsWork = new ArrayDeque<>();
    private final Deque<Session> hasEvents = new ArrayDeque<>();
    /** After work on a worker. */
    private final Consumer<Session> whenChanged;
    private int lastId;
    private int jobs;
    private final Counter opened = new Counter();
    private final Counter failed = new Counter();
    private final Counter lostWorkers = new Counter();
    private final Counter pictures = new Counter();
    private final Counter copied = new Counter();
    private final Counter converted = new Counter();
    private final Counter present = new Counter();

    /**
     * No sessions.
     *
     * @param most that may be open at once
     * @param longestNanos of one job: a decoder that takes longer is interrupted, and its session ended
     * @param whenChanged is called after work on a worker
     */
    Sessions(String name, Workers workers, Share share, int most, long longestNanos, Maker maker,
            Consumer<Session> whenChanged) {
        this.name = name;
        this.workers = workers;
        this.share = share;
        this.most = most;
        this.longestNanos = longestNanos;
        this.maker = maker;
        this.whenChanged = whenChanged;
    }

    void register(Report report) {
        report.counter("sessions.opened", "sessions", "Sessions that drivers have opened.", opened);
        report.counter("sessions.failed", "sessions", "Sessions ended because their decoder failed.", failed);
        report.gauge("sessions.present", "sessions", "Sessions that are open, or whose decoder is being closed.",
                present);
        report.counter("workers.lost", "workers", "Workers given up because a codec did not return to them.",
                lostWorkers);
        report.counter("pictures", "pictures", "Pictures delivered in CAPTURE buffers.", pictures);
        report.counter("copiedBytes.pictures", "bytes",
                "Bytes of pictures copied: they were not decoded into CAPTURE buffers in place.", copied);
        report.counter("convertedBytes.pictures", "bytes",
                "Bytes of pictures brought into the order of samples that the client wants.", converted);
    }

    @Nullable
    Session find(int id) {
        return open.get(id);
    }

    /** Opens one; null if the limit is reached or the share used up. */
    @Nullable
    Session open() {
        if (open.size() >= most || all.size() >= 2 * most || stuck.size() >= Workers.MOST_LOST) {
            LOG.debug("{}: {} sessions are open, {} with those being closed, and {} codecs are stuck", name,
                    open.size(),
                    all.size(), stuck.size());
            return null;
        }
        if (!share.takeOrTell(Resource.HEAP, SESSION_HEAP)) return null;
        do {
            lastId = lastId == Integer.MAX_VALUE ? 1 : lastId + 1;
        } while (open.containsKey(lastId));
        Session made = maker.make(lastId);
        open.put(lastId, made);
        all.add(made);
        opened.increment();
        present.increment();
        return made;
    }

    /** Closes one; nothing if there is none of this id. */
    void close(int id) {
        Session session = open.remove(id);
        if (session != null) close(session);
    }

    private void close(Session session) {
        session.close();
        hasEvents.remove(session);
        changed(session);
    }

    /** The driver has gone, with all its sessions. */
    void closeAll() {
        List<Session> left = new ArrayList<>(open.values());
        open.clear();
        hasEvents.clear();
        lastId = 0;
        left.forEach(this::close);
    }

    /** The session whose turn it is to send an event, or null if none has one. */
    @Nullable
    Session nextWithEvents() {
        return hasEvents.poll();
    }

    /** Something has happened to a session: it may have events, or work. */
    void changed(Session session) {
        work(session);
        // To look for work may give buffers back.
        if (!session.isClosed() && !session.events().isEmpty() && !hasEvents.contains(session))
            hasEvents.add(session);
    }

    private void work(Session session) {
        if (jobs == Workers.LIMIT) {
            if (!wantsWork.contains(session)) wantsWork.add(session);
            return;
        }
        if (working.contains(session)) return;
        if (session.isClosed() || session.isBroken()) end(session);
        else if (session.stream().prepare()) submit(session, () -> decoded(session));
    }

    private void end(Session session) {
        if (session.job().isOpen()) {
            session.job().beginClose();
            submit(session, () -> decoderClosed(session));
        } else if (session.isClosed() && all.remove(session)) {
            share.giveBack(Resource.HEAP, SESSION_HEAP);
            present.add(-1);
        }
    }

    private void submit(Session session, Runnable done) {
        jobs++;
        working.add(session);
        if (workers.submit("a picture", session.job()::run, () -> {
            jobs--;
            working.remove(session);
            stuck.remove(session);
            done.run();
            Session next = wantsWork.poll();
            if (next != null) changed(next);
        })) return;
        // Only when the process ends.
        jobs--;
        working.remove(session);
        LOG.debug("{}: no worker takes the work of session {}", name, session.id());
    }

    private void decoded(Session session) {
        long before = session.stream().pictures();
        Throwable failure = session.stream().finished();
        pictures.add(session.stream().pictures() - before);
        copied.add(session.job().takeCopied());
        converted.add(session.job().takeConverted());
        if (failure != null && !session.isClosed()) fail(session, failure.toString());
        whenChanged.accept(session);
    }

    private void decoderClosed(Session session) {
        session.job().letGo();
        Throwable failure = session.job().failure();
        if (failure != null) LOG.warn("{}: the decoder of session {} was not closed", name, session.id(), failure);
        whenChanged.accept(session);
    }

    private void fail(Session session, String why) {
        if (session.isBroken()) return;
        LOG.warn("{}: the decoder of session {} has failed, and the session is ended: {}", name, session.id(), why);
        failed.increment();
        session.fail(Errno.EIO);
    }

    /** Ends the sessions whose codec takes too long, and replaces workers that do not come back from one. */
    void watch() {
        for (Session session : List.copyOf(working)) {
            replaceWorker(session);
            if (!session.job().interruptIfLonger(longestNanos) || session.isBroken() || session.isClosed()) continue;
            fail(session, "it takes longer than %d ms".formatted(longestNanos / 1_000_000));
            whenChanged.accept(session);
        }
    }

    private void replaceWorker(Session session) {
        Thread worker = session.job().longerThan(2 * longestNanos);
        if (worker == null || !stuck.add(session)) return;
        lostWorkers.increment();
        if (workers.replace(worker)) {
            LOG.warn("{}: the codec of session {} heeds no interrupt; another worker takes its place", name,
                    session.id());
        } else {
            LOG.warn("{}: the codec of session {} heeds no interrupt, and {} workers are lost already", name,
                    session.id(), Workers.MOST_LOST);
        }
    }

    /** Whether a job is running, so that {@link #watch} is of use. */
    boolean isWorking() {
        return !working.isEmpty();
    }
}
